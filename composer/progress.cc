#include "composer/progress.h"

#include <unistd.h>

#include <cstdio>

namespace tintype {

using namespace std::chrono_literals;

Progress::Progress(std::string program) : program_(std::move(program)) {
  if (::isatty(STDERR_FILENO)) display_ = std::jthread([this](const std::stop_token& stop) { show(stop); });
}

Progress::~Progress() {
  finish();
}

void Progress::show(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  auto pause = 1000ms;
  while (!wake_.wait_for(lock, stop, pause, [&] { return stop.stop_requested(); })) {
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    std::fprintf(stderr, "\r\033[K%s: %s ... %.1f s", program_.c_str(), current_.c_str(), seconds);
    shown_ = true;
    pause = 200ms;
  }
  if (shown_) std::fputs("\r\033[K", stderr);
}

void Progress::end_step() {
  const auto now = Clock::now();
  if (!current_.empty())
    steps_.emplace_back(current_, std::chrono::duration<double, std::milli>(now - step_start_).count());
  step_start_ = now;
}

void Progress::step(std::string_view name) {
  const std::lock_guard lock(mutex_);
  end_step();
  current_ = name;
}

void Progress::finish() {
  if (display_.joinable()) {
    display_.request_stop();
    display_.join();
  }
  end_step();
  current_.clear();
}

}  // namespace tintype
