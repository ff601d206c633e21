// run-snapshot as a child process: its output, its status, and what happens to it meanwhile.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace process {

struct Ended {
  int status = -1;  // exit status, or 1000 + the signal that killed it
  std::string out, err;
  double seconds = 0;
  double cpu_seconds = 0;
};

// How a child's standard input is given.
struct Input {
  enum class Kind { empty, text, held_open, fd } kind = Kind::empty;
  std::string text = {};
  int fd = -1;
};

class Child {
 public:
  // Starts run-snapshot. `out_fd` and `err_fd` replace the pipes for its output if they are not -1.
  explicit Child(const std::vector<std::string>& arguments, Input input = {}, int out_fd = -1,
                 int err_fd = -1);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  int pid() const { return pid_; }
  // Waits until standard output has `text` in it. False after a minute or if it ends first.
  bool wait_for_output(const std::string& text);
  void type(const std::string& text);
  void signal(int number) const;
  void close_output();
  // Waits for its end; kills it after two minutes.
  Ended wait();

 private:
  bool pump(int milliseconds);
  int pid_ = -1, in_ = -1, out_ = -1, err_ = -1;
  double started_ = 0;
  Ended ended_;
};

// Runs it to its end.
Ended run(const std::vector<std::string>& arguments, Input input = {});

// Why no guest can run here, or nothing.
std::optional<std::string> no_kvm();

// Whether run-snapshot is built with sanitizers.
bool sanitized();

}  // namespace process
