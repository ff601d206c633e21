// An ioctl of KVM as a result, for kvm.cc and host_*.cc.
#pragma once

#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "formats/result.h"

namespace tintype {

// Errors: "KVM refused to <what>: <why>".
template <typename Argument>
Result<int> kvm_call(int fd, unsigned long request, Argument argument, std::string_view what) {
  const int value = ::ioctl(fd, request, argument);
  if (value < 0) return fail("KVM refused to {}: {}", what, std::strerror(errno));
  return value;
}

}  // namespace tintype
