#include "runner/seccomp.h"

#include <csignal>

#include "runner/runs.h"

using namespace tintype;
using guests::Code;
using process::Child;
using process::Input;

namespace {

// The value after `name` in /proc/<pid>/task/*/status, of every thread.
std::vector<std::string> thread_facts(int pid, const std::string& name) {
  std::vector<std::string> values;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::ifstream status(task.path() / "status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with(name + ":")) values.push_back(line.substr(line.find_last_of('\t') + 1));
  }
  return values;
}

}  // namespace

TEST_CASE("while a guest runs every thread is under the system-call filter") {
  NEED_KVM();
  const guests::TemporaryFile file(guests::image_of(Code().print("R").halt()));
  for (const bool filtered : {true, false}) {
    std::vector<std::string> arguments = {"--cpus", "2", file.path()};
    if (!filtered) arguments.insert(arguments.begin(), "--no-seccomp");
    Child child(arguments, {.kind = Input::Kind::held_open});
    REQUIRE(child.wait_for_output("R"));
    const auto facts = thread_facts(child.pid(), "Seccomp");
    CHECK(facts.size() >= 3);  // two vCPUs and the supervisor, and one of the kernel's own on some hosts
    for (const std::string& fact : facts) CHECK(fact == (filtered ? "2" : "0"));
    child.signal(SIGINT);
    CHECK(child.wait().status == 130);
  }
}
