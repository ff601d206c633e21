#include "composer/measure_file.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "composer/command.h"
#include "formats/igvm_files.h"
#include "support/temporary_folder.h"
#include "support/test_main.h"

namespace tintype {
namespace {

using igvm_files::Octets;
using igvm_files::RawFile;

struct Outcome {
  std::string text, note, error;
};

// `compose-snapshot` with this command and these words.
Outcome run(const std::string& command, const std::vector<std::string>& words) {
  std::vector<const char*> argv = {"compose-snapshot", command.c_str()};
  for (const std::string& word : words) argv.push_back(word.c_str());
  const auto action = parse_program(static_cast<int>(argv.size()), argv.data());
  if (!action) return {"", "", action.error().message()};
  const auto done = (*action)();
  if (!done) return {"", "", done.error().message()};
  return {done->text, done->note, ""};
}

Outcome measure(const std::vector<std::string>& words) {
  return run("measure", words);
}

std::string vector(const char* name) {
  return (igvm_files::folder() / "digest" / name).string();
}

bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

RawFile snp_file() {
  return RawFile()
      .platform(IGVM_PLATFORM_SEV_SNP)
      .add(IGVM_VHT_GUEST_POLICY,
           IGVM_VHS_GUEST_POLICY{.policy = 0x30000u, .compatibility_mask = 1u, .reserved = 0u})
      .page(0x1000);
}

}  // namespace

TEST_CASE("every published value, as the command prints it") {
  std::ifstream table(vector("DIGESTS.tsv"));
  std::string line;
  std::getline(table, line);
  int rows = 0;
  for (; std::getline(table, line); ++rows) {
    std::istringstream row(line);
    std::string file, platform, digest;
    std::getline(row, file, '\t');
    std::getline(row, platform, '\t');
    std::getline(row, digest, '\t');
    const std::string algorithm = digest.size() == 96 ? "sha384" : "sha256";
    CHECK(measure({vector(file.c_str()), "--platform", platform}).text ==
          platform + " " + algorithm + ":" + digest + "\n");
    const auto json = nlohmann::json::parse(measure({vector(file.c_str()), "--json"}).text);
    CHECK(json["digests"][platform] == algorithm + ":" + digest);
  }
  CHECK(rows == 4);
}

TEST_CASE("all that a file declares, each on a line") {
  const Outcome both = measure({vector("aarch64.igvm")});
  CHECK(both.text.starts_with("native sha256:"));
  CHECK(says(both.text, "\nvbs sha256:543bf10b6dd75d55"));
  CHECK(measure({vector("aarch64.igvm"), "--platform", "all"}).text == both.text);
}

TEST_CASE("what a file does not declare is refused in the file's name") {
  for (const char* platform : {"vbs", "snp", "tdx"})
    CHECK(measure({vector("native-x64.igvm"), "--platform", platform}).error ==
          vector("native-x64.igvm") + " declares native only");
  CHECK(measure({vector("tdx.igvm"), "--snp-launch", "kvm-bsp"}).error ==
        vector("tdx.igvm") + " declares tdx only");
}

TEST_CASE("KVM's VMSAs: how many, and what is taken for granted") {
  const std::string file = vector("snp-simple.igvm");
  const Outcome boot = measure({file, "--snp-launch", "kvm-bsp"});
  CHECK(boot.error == "");
  CHECK(boot.note == "");
  const Outcome one = measure({file, "--snp-launch", "kvm"});
  CHECK(one.text == boot.text);
  const Outcome four = measure({file, "--snp-launch", "kvm", "--cpus", "4"});
  CHECK(four.text != boot.text);
  CHECK(four.note ==
        file +
            ": 3 of 4 vCPUs have no VMSA in the file, and are taken to start as after a reset on "
            "processor model EPYC: --snp-processor says another");
  const Outcome milan =
      measure({file, "--snp-launch", "kvm", "--cpus", "4", "--snp-processor", "EPYC-Milan"});
  CHECK(milan.text != four.text);
  CHECK(says(milan.note, "3 of 4 vCPUs have no VMSA"));
  CHECK_FALSE(says(milan.note, "another"));
  CHECK(measure({file, "--snp-launch", "kvm", "--cpus", "4", "--snp-processor", "0x800f12"}).text ==
        four.text);
  const auto json =
      nlohmann::json::parse(measure({file, "--snp-launch", "kvm", "--cpus", "4", "--json"}).text);
  CHECK(json["notes"].size() == 1);
}

// What `command` prints of the options that a digest depends on.
nlohmann::json host_options(const std::string& command, std::vector<std::string> words) {
  words.insert(words.end(), {"--json"});
  const auto json = nlohmann::json::parse(run(command, words).text);
  nlohmann::json host = nlohmann::json::object();
  for (const auto& [name, value] : (command == "explain" ? json["launches"][0] : json).items())
    if (name.starts_with("snp_") || name.starts_with("tdx_") || name.starts_with("cpus")) host[name] = value;
  return host;
}

TEST_CASE("JSON has the options that the digest depends on, defaults too") {
  using nlohmann::json;
  const std::string snp = vector("snp-simple.igvm"), tdx = vector("tdx.igvm");
  for (const char* command : {"measure", "explain"}) {
    CAPTURE(command);
    CHECK(host_options(command, {vector("native-x64.igvm")}).empty());
    CHECK(host_options(command, {vector("vbs.igvm")}).empty());
    CHECK(host_options(command, {tdx}) == json{{"tdx_order", "per-page"}});
    CHECK(host_options(command, {tdx, "--tdx-order", "two-pass"}) == json{{"tdx_order", "two-pass"}});
    CHECK(host_options(command, {snp}) == json{{"snp_launch", "file"}, {"snp_zero_pages", "normal"}});
    CHECK(host_options(command, {snp, "--snp-launch", "kvm-bsp", "--snp-zero-pages", "zero"}) ==
          json{{"snp_launch", "kvm-bsp"}, {"snp_zero_pages", "zero"}});
    CHECK(host_options(command, {snp, "--snp-launch", "kvm"}) ==
          json{{"snp_launch", "kvm"},
               {"snp_zero_pages", "normal"},
               {"cpus", 1},
               {"cpus_from", "the VMSAs in the file"}});
    CHECK(host_options(command, {snp, "--snp-launch", "kvm", "--cpus", "2"}) ==
          json{{"snp_launch", "kvm"},
               {"snp_zero_pages", "normal"},
               {"cpus", 2},
               {"cpus_from", "--cpus"},
               {"snp_processor", "0x800f12"}});
    CHECK(host_options(command, {snp, "--snp-launch", "kvm", "--cpus", "2", "--snp-processor",
                                 "EPYC-Milan"})["snp_processor"] == "0xa00f11");
  }
}

TEST_CASE("options that do not go together") {
  const std::string file = vector("snp-simple.igvm");
  const auto refused = [&](std::vector<std::string> words, std::string_view part) {
    words.insert(words.begin(), file);
    const Outcome outcome = measure(words);
    CHECK_MESSAGE(says(outcome.error, part), outcome.error);
  };
  refused({"--platform", "sgx"}, "--platform sgx: give native, vbs, snp, tdx or all");
  refused({"--snp-launch", "qemu"}, "--snp-launch qemu: give file, kvm or kvm-bsp");
  refused({"--cpus", "2"}, "--cpus is for --snp-launch kvm");
  refused({"--snp-launch", "kvm-bsp", "--cpus", "2"}, "--cpus is for --snp-launch kvm");
  for (const char* count : {"0", "4097", "two", "-1", "18446744073709551617"})
    refused({"--snp-launch", "kvm", "--cpus", count}, "give a number of vCPUs, 1 to 4096");
  refused({"--snp-launch", "kvm", "--snp-processor", "EPYC-Rom"}, "did you mean 'EPYC-Rome'?");
  refused({"--tdx-order", "three-pass"}, "--tdx-order three-pass: give per-page or two-pass");
  refused({"--platform", "snp", "--tdx-order", "two-pass"},
          "--tdx-order is about tdx, and --platform is snp");
  refused({"--snp-zero-pages", "none"}, "--snp-zero-pages none: give normal or zero");
}

TEST_CASE("pages without data are zero pages for some loaders") {
  const TemporaryFolder folder;
  const std::string file = folder.write("zero.igvm", snp_file().bytes());
  const Outcome normal = measure({file});
  CHECK(measure({file, "--snp-zero-pages", "normal"}).text == normal.text);
  CHECK(measure({file, "--snp-zero-pages", "zero"}).text != normal.text);
}

TEST_CASE("an ID block that expects something else is told of") {
  const TemporaryFolder folder;
  const std::string bare = measure({folder.write("bare.igvm", snp_file().bytes())}).text;
  const auto with = [&](const std::string& digest) {
    IGVM_VHS_SNP_ID_BLOCK block{.compatibility_mask = 1u};
    for (std::size_t i = 0; i < block.ld.size(); ++i)
      block.ld[i] = static_cast<std::uint8_t>(std::stoul(digest.substr(2 * i, 2), nullptr, 16));
    return folder.write("with.igvm", snp_file().add(IGVM_VHT_SNP_ID_BLOCK, block).bytes());
  };
  const std::string digest = bare.substr(std::string_view("snp sha384:").size(), 96);
  const Outcome right = measure({with(digest)});
  CHECK(right.text == bare);
  CHECK(right.note == "");
  const Outcome wrong = measure({with(std::string(96, '1'))});
  CHECK(wrong.text == bare);
  CHECK(says(wrong.note, "expects another digest, sha384:1111"));
}

TEST_CASE("a file without a platform that is known, or that is none, is refused") {
  const TemporaryFolder folder;
  CHECK(says(measure({folder.write("cca.igvm", RawFile(2, 1).platform(IGVM_PLATFORM_CCA).bytes())}).error,
             "digests of native, vbs, snp and tdx are known"));
  CHECK(says(measure({folder.write("text", bytes_of(std::string_view("hello")))}).error, "text: "));
  CHECK(says(measure({folder / "nothing"}).error, "No such file"));
}

}  // namespace tintype
