#include "runner/kvm.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "runner/runs.h"

using namespace tintype;
using guests::Code;
using runs::has;

namespace {

struct Told {
  int status = 0;
  std::string errors;
};

// run-snapshot with a /dev of its own, which is empty but for what `furnish` makes there; the standard
// descriptors are open already. Nothing where this user may not do that.
std::optional<Told> run_with_dev(const std::function<bool()>& furnish) {
  const guests::TemporaryFile file(guests::image_of(Code().exit(0)));
  const guests::TemporaryFile said(Bytes{});
  REQUIRE(::chmod(file.path().c_str(), 0644) == 0);
  constexpr int kCannot = 98;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(::open(said.path().c_str(), O_WRONLY), 2);
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", "/dev", "tmpfs", 0, nullptr) != 0 || !furnish())
      ::_exit(kCannot);
    ::execl(TINTYPE_RUN_SNAPSHOT, TINTYPE_RUN_SNAPSHOT, file.path().c_str(), nullptr);
    ::_exit(kCannot);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kCannot) {
    skip_test("this user may not make a mount namespace or a device");
    return std::nullopt;
  }
  std::ifstream text(said.path());
  return Told{WEXITSTATUS(status), std::string{std::istreambuf_iterator<char>(text), {}}};
}

// A /dev/kvm of root and `group`, and a user who is in no group.
bool make_forbidden(mode_t mode, gid_t group) {
  constexpr unsigned kNobody = 65534;
  return ::mknod("/dev/kvm", S_IFCHR | mode, 0) == 0 && ::chmod("/dev/kvm", mode) == 0 &&
         ::chown("/dev/kvm", 0, group) == 0 && ::chdir("/") == 0 &&
         ::setresgid(kNobody, kNobody, kNobody) == 0 && ::setresuid(kNobody, kNobody, kNobody) == 0;
}

}  // namespace

TEST_CASE("without /dev/kvm it says what to do about it") {
  const auto told = run_with_dev([] { return true; });
  if (!told) return;
  CHECK(told->status == 125);
  CHECK(has(told->errors, "modprobe"));
}

TEST_CASE("a /dev/kvm that one may not open is explained by its group, or by its having none") {
  const auto grouped = run_with_dev([] { return make_forbidden(0660, 1234); });
  if (!grouped) return;
  CHECK(grouped->status == 125);
  CHECK(has(grouped->errors, "may not be opened by this user: join its group"));
  const auto lonely = run_with_dev([] { return make_forbidden(0600, 0); });
  REQUIRE(lonely);
  CHECK(lonely->status == 125);
  CHECK(has(lonely->errors, "nor by any group (its mode is 0600, its group 0)"));
}
