// doctest's main, which also fails when a filter selects no test: a test file that vanished must not look
// green.
#define DOCTEST_CONFIG_IMPLEMENT
#include "support/test_main.h"

#include <cstdio>

namespace {

int skips = 0;

struct CountRuns : doctest::IReporter {
  inline static unsigned ran = 0;
  explicit CountRuns(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats& stats) override { ran = stats.numTestCasesPassingFilters; }
  void test_case_start(const doctest::TestCaseData&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

}  // namespace

REGISTER_LISTENER("count", 1, CountRuns);

void skip_test(const std::string& reason) {
  ++skips;
  std::printf("SKIPPED: %s\n", reason.c_str());
}

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int status = context.run();
  if (context.shouldExit()) return status;
  if (CountRuns::ran == 0) {
    std::fprintf(stderr, "no test case matched the filter\n");
    return 1;
  }
  if (status == 0 && skips > 0 && static_cast<unsigned>(skips) >= CountRuns::ran) return 77;
  return status;
}
