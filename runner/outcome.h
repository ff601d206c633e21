// How a run ends: the exit status and what to tell the user. The table of statuses is in run-snapshot.1.
#pragma once

#include <string>

namespace tintype {

inline constexpr int kStatusPowerOff = 0;
inline constexpr int kStatusUsage = 2;
inline constexpr int kMaxGuestStatus = 119;  // the exit port passes on 0 to this
inline constexpr int kStatusReset = 120;
inline constexpr int kStatusCrash = 121;    // guest crash, panic, or an exit code above kMaxGuestStatus
inline constexpr int kStatusTimeout = 124;  // as timeout(1)
inline constexpr int kStatusHost = 125;     // the host or the runner
inline constexpr int kStatusFile = 126;     // the file, or something it asks for that nobody here can give
inline constexpr int kStatusSignal = 128;   // plus the signal's number

struct Outcome {
  int status = kStatusPowerOff;
  std::string message = {};  // for standard error; empty when there is nothing to say
  bool operator==(const Outcome&) const = default;
};

}  // namespace tintype
