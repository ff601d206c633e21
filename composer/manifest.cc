#include "composer/manifest.h"

#include <algorithm>
#include <future>

#include "composer/host_launch.h"
#include "composer/machine_json.h"
#include "formats/hex.h"
#include "formats/ordered_work.h"
#include "version.h"

namespace tintype {

namespace {

// Of ASCII; a snapshot has no other text in it.
bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

// What a message quotes of a file, as one line that does nothing to a terminal.
std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 200;
  std::string result(text.substr(0, kMost));
  for (char& c : result)
    if (!is_printable({&c, 1})) c = '?';
  return text.size() > kMost ? result + "..." : result;
}

Json machine_json(const Machine& machine) {
  Json json = {{"arch", arch_name(machine.arch)},
               {"protocol", machine.protocol},
               {"memory", machine.memory},
               {"cpus", machine.cpus},
               {"numa_nodes", machine.numa_nodes}};
  if (machine.arch == Arch::aarch64) {
    json["gic"] = gic_name(machine.gic);
    json["its"] = machine.its;
  }
  json["kernel"] = kernel_place_json(machine);
  return json;
}

// Reads one object; what it says is wrong has the member's full name.
class Reader {
 public:
  // `name` is the object's own; empty for the whole manifest.
  Reader(const Json& json, std::string name) : json_(json), name_(std::move(name)) {}

  std::string path(std::string_view member) const {
    return name_.empty() ? std::string(member) : fmt::format("{}.{}", name_, member);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, value] : *json_.members()) names.push_back(name);
    return names;
  }
  Result<const Json*> member(std::string_view name) const {
    if (const Json* found = json_.find(name)) return found;
    return fail("it has no member '{}', which every manifest has: write it anew with build --manifest",
                path(name));
  }
  tl::unexpected<Error> wrong(std::string_view name, std::string_view wanted) const {
    return fail("the member '{}' is not {}", path(name), wanted);
  }
  Result<std::string> text(std::string_view name) const {
    const Json* value = TRY(member(name));
    if (!value->text()) return wrong(name, "a string");
    if (value->text()->size() > kMaxMachineText || !is_printable(*value->text()))
      return wrong(name, fmt::format("text of at most {} printable ASCII characters", kMaxMachineText));
    return *value->text();
  }
  Result<std::uint64_t> number(std::string_view name, std::uint64_t most = ~std::uint64_t{0}) const {
    const auto value = TRY(member(name))->number();
    if (!value || *value > most) return wrong(name, fmt::format("a number from 0 to {}", most));
    return *value;
  }
  Result<bool> boolean(std::string_view name) const {
    const auto value = TRY(member(name))->boolean();
    if (!value) return wrong(name, "true or false");
    return *value;
  }
  Result<std::uint64_t> address(std::string_view name) const {
    constexpr std::string_view kWanted = "an address such as \"0x1000\"";
    const std::string value = TRY(text(name));
    if (value.size() < 3 || value.size() > 18 || !value.starts_with("0x")) return wrong(name, kWanted);
    std::uint64_t address = 0;
    for (const char c : value.substr(2)) {
      const std::size_t digit = std::string_view("0123456789abcdef").find(c);
      if (digit == std::string_view::npos) return wrong(name, kWanted);
      address = address << 4 | digit;
    }
    return address;
  }
  Result<Sha256> hash(std::string_view name) const {
    const auto bytes = parse_hex(TRY(text(name)));
    Sha256 hash{};
    if (!bytes || bytes->size() != hash.size()) return wrong(name, "a SHA-256 of 64 hexadecimal digits");
    std::copy(bytes->begin(), bytes->end(), hash.begin());
    return hash;
  }
  Result<Reader> object(std::string_view name) const {
    const Json* value = TRY(member(name));
    if (!value->members()) return wrong(name, "an object");
    return Reader(*value, path(name));
  }
  // The objects of a list.
  Result<std::vector<Reader>> objects(std::string_view name) const {
    const Json* value = TRY(member(name));
    if (!value->elements()) return wrong(name, "an array");
    std::vector<Reader> readers;
    for (const Json& element : *value->elements()) {
      const std::string number = fmt::format("{}[{}]", name, readers.size());
      if (!element.members()) return wrong(number, "an object");
      readers.emplace_back(element, path(number));
    }
    return readers;
  }

 private:
  const Json& json_;
  std::string name_;
};

// The one of `values` that `names` calls as the member says.
template <typename T, typename Name>
Result<T> one_of(const Reader& reader, std::string_view member, std::initializer_list<T> values,
                 Name name_of) {
  const std::string text = TRY(reader.text(member));
  std::string known;
  for (const T value : values) {
    if (name_of(value) == text) return value;
    known += fmt::format("{}'{}'", known.empty() ? "" : " or ", name_of(value));
  }
  return fail("the member '{}' is '{}', and not {}", reader.path(member), text, known);
}

Result<std::vector<LaunchDigest>> read_digests(const Reader& all) {
  std::vector<LaunchDigest> digests;
  for (const std::string& name : all.names())
    if (!launch_platform_named(name))
      return fail("the member '{}' is of a platform whose digest is not known: native, vbs, snp and tdx are",
                  all.path(shown(name)));
  for (const LaunchPlatform platform : kLaunchPlatforms) {
    const std::string name(launch_platform_name(platform));
    const std::string algorithm = fmt::format("{}:", digest_algorithm(platform));
    const std::size_t size = digest_size(platform);
    if (!all.member(name)) continue;
    const std::string text = TRY(all.text(name));
    const auto value = text.starts_with(algorithm)
                           ? parse_hex(std::string_view(text).substr(algorithm.size()))
                           : std::vector<std::uint8_t>();
    if (!value || value->size() != size)
      return all.wrong(name, fmt::format("'{}' and {} hexadecimal digits", algorithm, 2 * size));
    digests.push_back({platform, *value});
  }
  return digests;
}

Result<KernelPlace> read_place(const Reader& place) {
  using By = KernelPlace::By;
  KernelPlace kernel;
  kernel.by = TRY(one_of(place, "placed_by", {By::link, By::seed, By::boot}, kernel_place_name));
  kernel.physical = TRY(place.address("physical"));
  if (kernel.by != By::boot) kernel.virtual_address = TRY(place.address("virtual"));
  return kernel;
}

Result<std::vector<Component>> read_components(const Reader& manifest) {
  std::vector<Component> components;
  for (const Reader& reader : TRY(manifest.objects("components"))) {
    Component component;
    component.role = TRY(reader.text("role"));
    component.format = TRY(reader.text("format"));
    component.version = TRY(reader.text("version"));
    component.size = TRY(reader.number("size"));
    component.sha256 = TRY(reader.hash("sha256"));
    components.push_back(std::move(component));
  }
  return components;
}

Result<Machine> read_machine_of(const Reader& manifest) {
  const Reader reader = TRY(manifest.object("machine"));
  Machine machine;
  machine.arch = TRY(one_of(reader, "arch", {Arch::x86_64, Arch::aarch64}, arch_name));
  machine.protocol = TRY(reader.text("protocol"));
  machine.memory = TRY(reader.number("memory", kMaxMemory));
  machine.cpus = static_cast<std::uint32_t>(TRY(reader.number("cpus", x86::kMaxCpus)));
  machine.numa_nodes = static_cast<std::uint32_t>(TRY(reader.number("numa_nodes", x86::kMaxCpus)));
  if (machine.arch == Arch::aarch64) {
    machine.gic = TRY(one_of(reader, "gic", {Gic::v2, Gic::v3}, gic_name));
    machine.its = TRY(reader.boolean("its"));
  }
  if (!TRY(reader.member("kernel"))->is_null())
    machine.kernel = TRY(read_place(TRY(reader.object("kernel"))));
  machine.components = TRY(read_components(manifest));
  return machine;
}

Result<std::vector<RegionReport>> read_regions(const Reader& manifest) {
  std::vector<RegionReport> regions;
  for (const Reader& reader : TRY(manifest.objects("regions"))) {
    RegionReport region;
    if (!TRY(reader.member("name"))->is_null()) region.name = TRY(reader.text("name"));
    const auto range = GpaRange::of_size(TRY(reader.address("gpa")), TRY(reader.number("size")));
    if (!range) return reader.wrong("size", "that of a region below 2^64");
    region.range = *range;
    region.kind = TRY(reader.text("kind"));
    if (!TRY(reader.member("sha256"))->is_null()) region.sha256 = TRY(reader.hash("sha256"));
    regions.push_back(std::move(region));
  }
  return regions;
}

}  // namespace

Result<std::vector<LaunchDigest>> declared_digests(const igvm::File& file,
                                                   const std::optional<Machine>& machine, unsigned threads) {
  std::vector<LaunchDigest> digests;
  for (const LaunchPlatform platform : declared_platforms(file)) {
    const HostLaunch launch = TRY(host_launch(file, machine, platform));
    digests.push_back(measure_launch(launch, {.threads = threads}));
  }
  return digests;
}

Result<Manifest> describe(const igvm::File& file, const Machine& machine) {
  // Both read every page: side by side, the second finds it in the cache.
  auto regions = std::async(std::launch::async, [&] { return regions_in(file, machine); });
  // Member by member, here and in read_manifest(): g++ 12 destroys none of an aggregate that TRY leaves half
  // initialised.
  Manifest manifest;
  manifest.tool_version = kVersion;
  manifest.digests = TRY(declared_digests(file, machine, usable_threads()));
  manifest.machine = machine;
  manifest.machine.labels.clear();
  manifest.recipe = Json::object();
  manifest.regions = regions.get();
  return manifest;
}

std::string manifest_text(const Manifest& manifest) {
  Json json = {{"tintype_manifest", kManifestVersion},
               {"tool", {{"name", "compose-snapshot"}, {"version", manifest.tool_version}}}};
  json["digests"] = Json::object();
  for (const LaunchDigest& digest : manifest.digests)
    json["digests"][launch_platform_name(digest.platform)] =
        fmt::format("{}:{}", digest_algorithm(digest.platform), to_hex(digest.value));
  json["machine"] = machine_json(manifest.machine);
  json["components"] = components_json(manifest.machine);
  Json regions = Json::array();
  for (const RegionReport& region : manifest.regions)
    regions.push_back({{"name", region.name.empty() ? Json() : Json(region.name)},
                       {"gpa", hex(region.range.start)},
                       {"size", region.range.size()},
                       {"kind", region.kind},
                       {"sha256", region.sha256 ? Json(to_hex(*region.sha256)) : Json()}});
  json["regions"] = std::move(regions);
  json["recipe"] = manifest.recipe;
  return json_text(json);
}

Result<Manifest> read_manifest(Bytes text) {
  if (text.size() > kMaxManifest)
    return fail("{} bytes are too many for a manifest, which has {} at most: give a manifest", text.size(),
                kMaxManifest);
  auto parsed = parse_json(text);
  if (!parsed) {
    parsed.error().what = shown(parsed.error().what);
    return tl::unexpected(std::move(parsed).error());
  }
  const Json json = std::move(*parsed);
  const Reader reader(json, "");
  if (!json.members()) return fail("a manifest is one JSON object, and this is something else");
  if (const std::uint64_t version = TRY(reader.number("tintype_manifest")); version != kManifestVersion)
    return fail(
        "it is a manifest of version {}, and this program reads version {}: use the program that wrote it",
        version, kManifestVersion);
  Manifest manifest;
  manifest.tool_version = TRY(TRY(reader.object("tool")).text("version"));
  manifest.digests = TRY(read_digests(TRY(reader.object("digests"))));
  manifest.machine = TRY(read_machine_of(reader));
  manifest.regions = TRY(read_regions(reader));
  TRY(reader.object("recipe"));
  manifest.recipe = *TRY(reader.member("recipe"));
  return manifest;
}

}  // namespace tintype
