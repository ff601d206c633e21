#include "formats/printable.h"

#include "support/test_main.h"

namespace tintype {
namespace {

TEST_CASE("what a terminal shows stays as it is") {
  for (const char* text : {"", "image.bin: 3 pages\n\tand more\n", "Größe \xE2\x82\xAC \xF0\x9F\x93\xB7",
                           "\xC2\xA0\xED\x9F\xBF"})
    CHECK(printable(text) == text);
}

TEST_CASE("what it obeys is a question mark") {
  CHECK(printable("\x1B[31m\r\b\x7F") == "?[31m???");
  CHECK(printable(std::string_view("a\0b", 3)) == "a?b");
  CHECK(printable("\xC2\x9B"
                  "31m\xC2\x80\xC2\x9F") == "?31m??");
  CHECK(printable("a\xE2\x80\xAE"
                  "b\xE2\x81\xA6"
                  "c\xE2\x80\x8F"
                  "d\xD8\x9C"
                  "e\xE2\x80\xA8") == "a?b?c?d?e?");
}

TEST_CASE("bytes that are no UTF-8 are a question mark each") {
  CHECK(printable("\x9B"
                  "31m") == "?31m");
  CHECK(printable("\xC3") == "?");
  CHECK(printable("\xC3(") == "?(");
  CHECK(printable("\xC0\x9B\xC1\xBF") == "????");                 // overlong
  CHECK(printable("\xE0\x82\x9B\xF0\x80\x82\x9B") == "???????");  // the same in more bytes
  CHECK(printable("\xED\xA0\x80\xF4\x90\x80\x80\xF5\xFF") == "?????????");
}

}  // namespace
}  // namespace tintype
