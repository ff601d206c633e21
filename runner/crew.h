// The threads of the vCPUs: vCPU 0 on the thread that calls, the others on threads of their own.
#pragma once

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include "formats/result.h"
#include "runner/vcpu.h"

namespace tintype {

// A thread that is joined with its owner.
class Thread {
 public:
  static Result<Thread> start(std::function<void()> body);
  Thread(Thread&& other) noexcept
      : handle_(other.handle_), joinable_(std::exchange(other.joinable_, false)) {}
  Thread& operator=(Thread&&) = delete;
  ~Thread() { join(); }
  void join();

 private:
  explicit Thread(pthread_t handle) : handle_(handle), joinable_(true) {}
  pthread_t handle_ = {};
  bool joinable_ = false;
};

class Crew {
 public:
  Crew(std::vector<Vcpu> vcpus, std::function<void(Vcpu&)> body);
  // Interrupts nobody: `body` must have been made to return.
  ~Crew();

  // Starts the threads of vCPUs 1 and up. None runs its body before run().
  Result<void> muster();
  // Lets them go, and runs vCPU 0 here until its body returns.
  void run();
  // Interrupts every vCPU whose body has not returned. False once all have, or none was let go.
  bool interrupt();

 private:
  void work(std::size_t index);

  std::vector<Vcpu> vcpus_;
  std::function<void(Vcpu&)> body_;
  std::mutex mutex_;
  std::condition_variable go_;
  bool gone_ = false, cancelled_ = false;
  std::vector<pthread_t> working_;  // the thread in each body
  std::vector<bool> in_body_;
  std::vector<Thread> threads_;
};

}  // namespace tintype
