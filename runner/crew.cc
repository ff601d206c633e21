#include "runner/crew.h"

#include <csignal>
#include <cstring>
#include <memory>

#include "runner/signals.h"

namespace tintype {

namespace {

// Address space only; what a thread touches of it is a few KiB.
constexpr std::size_t kStackSize = 512 * 1024;

void* run_body(void* argument) {
  const std::unique_ptr<std::function<void()>> body(static_cast<std::function<void()>*>(argument));
  (*body)();
  return nullptr;
}

}  // namespace

Result<Thread> Thread::start(std::function<void()> body) {
  auto argument = std::make_unique<std::function<void()>>(std::move(body));
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackSize);
  pthread_t handle;
  const int error = pthread_create(&handle, &attributes, run_body, argument.get());
  pthread_attr_destroy(&attributes);
  if (error != 0) return fail("the host has no thread to spare: {}", std::strerror(error));
  argument.release();  // NOLINT(bugprone-unused-return-value): the thread owns it now
  return Thread(handle);
}

void Thread::join() {
  if (std::exchange(joinable_, false)) pthread_join(handle_, nullptr);
}

Crew::Crew(std::vector<Vcpu> vcpus, std::function<void(Vcpu&)> body)
    : vcpus_(std::move(vcpus)), body_(std::move(body)), working_(vcpus_.size()), in_body_(vcpus_.size()) {}

Crew::~Crew() {
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = !gone_;
    gone_ = true;
  }
  go_.notify_all();
  threads_.clear();
}

Result<void> Crew::muster() {
  for (std::size_t i = 1; i < vcpus_.size(); ++i)
    threads_.push_back(TRY(Thread::start([this, i] { work(i); })));
  return {};
}

void Crew::run() {
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    in_body_.assign(vcpus_.size(), true);
    working_[0] = pthread_self();
  }
  go_.notify_all();
  work(0);
}

void Crew::work(std::size_t index) {
  {
    std::unique_lock lock(mutex_);
    working_[index] = pthread_self();
    go_.wait(lock, [this] { return gone_; });
    if (cancelled_) return;
  }
  body_(vcpus_[index]);
  const std::lock_guard lock(mutex_);
  in_body_[index] = false;
}

bool Crew::interrupt() {
  const std::lock_guard lock(mutex_);
  bool any = false;
  for (std::size_t i = 0; i < vcpus_.size(); ++i) {
    if (!in_body_[i]) continue;
    any = true;
    vcpus_[i].interrupt();
    // A thread that has not come to life yet sees that the run is over before it enters the guest.
    if (working_[i] != pthread_t{}) pthread_kill(working_[i], vcpu_signal());
  }
  return any;
}

}  // namespace tintype
