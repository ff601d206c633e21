// Says what a long compose is doing, on a terminal and only after a second; and keeps the time each step
// took.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace tintype {

class Progress {
 public:
  // Shows nothing unless standard error is a terminal.
  explicit Progress(std::string program);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Ends the step before and begins `name` ("unpack kernel").
  void step(std::string_view name);
  // Ends the last step and clears the line. Further calls do nothing.
  void finish();
  // Steps that ended, in order, with their duration in milliseconds.
  const std::vector<std::pair<std::string, double>>& steps() const { return steps_; }

 private:
  using Clock = std::chrono::steady_clock;
  void show(const std::stop_token& stop);
  void end_step();

  std::string program_;
  std::vector<std::pair<std::string, double>> steps_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point step_start_ = start_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::string current_;  // guarded by mutex_ while the display runs
  bool shown_ = false;
  std::jthread display_;
};

}  // namespace tintype
