// Any text as a recipe gives an error of one line or settings, which printed as a recipe are the same
// settings; any text as a manifest gives an error of one line or a manifest, which written and read is the
// same. The first byte says which.
#include "composer/manifest.h"
#include "composer/options.h"
#include "fuzz/fuzz.h"

namespace {

using namespace tintype;

void require_line(const Error& error) {
  const std::string message = error.message();
  require(!message.empty() && message.size() < 4096);
  for (const char c : message) require(static_cast<std::uint8_t>(c) >= 0x20 && c != 0x7F);
}

void fuzz_recipe(Bytes text) {
  const CommandSpec spec = build_spec();
  for (const std::optional<std::string>& variant :
       {std::optional<std::string>(), std::optional<std::string>("a")}) {
    const auto settings = read_recipe(spec, "image.toml", text, variant);
    if (!settings) {
      require_line(settings.error());
      continue;
    }
    for (const Setting& setting : *settings) require(setting.value.has_value());
    // A recipe is printed of options that are sound, as a command line's are.
    if (!build_options(*settings, false)) continue;
    const auto printed = recipe_text(spec, *settings);
    require(printed.has_value());
    const auto again = read_recipe(spec, "image.toml", bytes_of(std::string_view(*printed)), std::nullopt);
    require(again.has_value());
    require(json_line(recipe_json(spec, *again)) == json_line(recipe_json(spec, *settings)));
    require(recipe_text(spec, *again).value() == *printed);
  }
}

void fuzz_manifest(Bytes text) {
  const auto manifest = read_manifest(text);
  if (!manifest) {
    require_line(manifest.error());
    return;
  }
  const std::string written = manifest_text(*manifest);
  const auto again = read_manifest(bytes_of(std::string_view(written)));
  require(again.has_value());
  require(manifest_text(*again) == written);
  require(again->machine == manifest->machine && again->digests == manifest->digests);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes text(data + 1, size - 1);
  if (data[0] % 2 == 0)
    fuzz_recipe(text);
  else
    fuzz_manifest(text);
  return 0;
}
