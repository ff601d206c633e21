#include "runner/seccomp.h"

#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cstring>
#include <memory>

#include "runner/host.h"

#if defined(__SANITIZE_ADDRESS__)
#define TINTYPE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TINTYPE_SANITIZED 1
#endif
#endif

namespace tintype {

namespace {

constexpr int kAllowed[] = {
    // Console and supervisor.
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(restart_syscall),
    // Threads: their first steps (one may still be taking them), locks, interrupting vCPUs, their ends.
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(futex),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(tgkill),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(madvise),
    SCMP_SYS(munmap),
    SCMP_SYS(exit),
    // The end of the run, and the little memory that a message takes.
    SCMP_SYS(close),
    SCMP_SYS(brk),
    SCMP_SYS(exit_group),
#ifdef TINTYPE_SANITIZED
    // What the sanitizers' own allocator and thread bookkeeping do.
    SCMP_SYS(mmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(sched_yield),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(getrlimit),
    SCMP_SYS(prlimit64),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(openat),
    SCMP_SYS(readlink),
    SCMP_SYS(prctl),
    SCMP_SYS(pipe2),
#endif
};

// Giving the terminal back.
constexpr unsigned long kTerminalRequests[] = {TCGETS, TCSETS};

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};

Result<void> check(int result, const char* what) {
  if (result < 0)
    return fail("the system-call filter cannot be {}: {} (--no-seccomp runs without it)", what,
                std::strerror(-result));
  return {};
}

Result<void> allow_requests(scmp_filter_ctx filter, std::span<const unsigned long> requests) {
  for (const unsigned long request : requests) {
    const scmp_arg_cmp is_request = {.arg = 1, .op = SCMP_CMP_EQ, .datum_a = request, .datum_b = 0};
    TRY(check(seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, &is_request), "made"));
  }
  return {};
}

Result<void> add_rules(scmp_filter_ctx filter, int image) {
  for (const int number : kAllowed) TRY(check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0), "made"));
  TRY(allow_requests(filter, running_requests()));
  TRY(allow_requests(filter, kTerminalRequests));
  const scmp_arg_cmp is_image = {
      .arg = 0, .op = SCMP_CMP_EQ, .datum_a = static_cast<scmp_datum_t>(image), .datum_b = 0};
  TRY(check(seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(lseek), 1, &is_image), "made"));
#ifndef TINTYPE_SANITIZED
  // The allocator's: private memory without a file, never executable.
  const scmp_arg_cmp anonymous[] = {
      {.arg = 2, .op = SCMP_CMP_EQ, .datum_a = PROT_READ | PROT_WRITE, .datum_b = 0},
      {.arg = 3, .op = SCMP_CMP_EQ, .datum_a = MAP_PRIVATE | MAP_ANONYMOUS, .datum_b = 0},
  };
  TRY(check(seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, anonymous), "made"));
#endif
  return {};
}

}  // namespace

Result<void> allow_only_the_run_loop(int image) {
  const std::unique_ptr<void, Release> filter(seccomp_init(SCMP_ACT_KILL_PROCESS));
  if (filter == nullptr) return fail("the system-call filter cannot be made (--no-seccomp runs without it)");
  TRY(check(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1), "applied to all threads"));
  // A binary tree instead of a list: every exit of the guest passes through it.
  TRY(check(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "made fast"));
  TRY(add_rules(filter.get(), image));
  return check(seccomp_load(filter.get()), "installed");
}

}  // namespace tintype
