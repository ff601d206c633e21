// The end of a run, agreed on between threads: the first outcome reported is the one.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>

#include "formats/result.h"
#include "runner/fd.h"
#include "runner/outcome.h"

namespace tintype {

class Ending {
 public:
  static Result<Fd> make_bell();
  explicit Ending(Fd bell) : bell_(std::move(bell)) {}

  // Ends the run, unless it is over already.
  void report(Outcome outcome);
  bool over() const { return over_.load(std::memory_order_acquire); }
  // What was reported first. Only when over().
  Outcome outcome() const;

  // Readable once ring() was called, until hush(): how vCPUs wake the supervisor.
  int bell() const { return bell_.get(); }
  void ring() const;
  void hush() const;

 private:
  Fd bell_;
  std::atomic<bool> over_ = false;
  mutable std::mutex mutex_;
  std::optional<Outcome> outcome_;
};

}  // namespace tintype
