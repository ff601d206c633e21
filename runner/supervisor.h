// What happens beside the guest: console input, signals, the time limit, and stopping the vCPUs when the run
// is over.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "runner/bus.h"
#include "runner/crew.h"
#include "runner/ending.h"
#include "runner/terminal.h"

namespace tintype {

using Clock = std::chrono::steady_clock;

// How long a guest has to power off after SIGTERM, and how long the power button stays down: long enough for
// a driver that is told of it and then looks.
inline constexpr std::chrono::seconds kPowerOffGrace{5};
inline constexpr std::chrono::milliseconds kButtonPress{100};

struct Supervision {
  Bus& bus;
  Ending& ending;
  Crew& crew;
  int signals = -1;       // take_signals()
  bool has_keys = false;  // input is a raw terminal
  std::optional<std::chrono::nanoseconds> timeout;
};

// Runs until the run is over and every vCPU has left the guest.
class Supervisor {
 public:
  explicit Supervisor(Supervision what);
  void run();

 private:
  void wait();
  void check_time();
  void take_signal(int number);
  void take_input();
  void offer_input();
  void pass_input_on();
  bool wants_input() const;
  std::optional<Clock::time_point> next_deadline() const;

  Supervision what_;
  KeyFilter keys_;
  std::string pending_;  // typed or piped, and not yet taken by the UART
  bool input_ended_ = false, guest_reads_ = false;
  std::optional<Clock::time_point> time_limit_, power_off_limit_, settled_, release_;
};

}  // namespace tintype
