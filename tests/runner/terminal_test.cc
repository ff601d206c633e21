#include "runner/terminal.h"

#include "support/test_main.h"

using namespace tintype;

namespace {

struct Typed {
  KeyFilter keys;
  std::string passed;
  bool quit = false;
  void type(std::string_view text) { quit = keys.filter(bytes_of(text), passed) || quit; }
};

}  // namespace

TEST_CASE("what is typed reaches the guest, but for the escape key") {
  Typed typed;
  typed.type("hello\x03\x1A\r");
  CHECK(typed.passed == "hello\x03\x1A\r");
  CHECK_FALSE(typed.quit);
}

TEST_CASE("Ctrl-A X quits, in one read or two, in either case") {
  for (const std::string text : {"ab\x01x", "ab\x01X"}) {
    Typed at_once;
    at_once.type(text);
    CHECK(at_once.quit);
    CHECK(at_once.passed == "ab");
    Typed apart;
    for (const char c : text) apart.type(std::string(1, c));
    CHECK(apart.quit);
    CHECK(apart.passed == "ab");
  }
}

TEST_CASE("Ctrl-A Ctrl-A is one Ctrl-A, and with another key nothing") {
  Typed typed;
  typed.type("\x01\x01x\x01zy");
  CHECK(typed.passed == "\x01xy");
  CHECK_FALSE(typed.quit);
}
