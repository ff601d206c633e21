#include "composer/json.h"

#include "support/test_main.h"

namespace tintype {
namespace {

Result<Json> parse(std::string_view text) {
  return parse_json({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

std::string refusal(std::string_view text) {
  const auto json = parse(text);
  return json ? "" : json.error().message();
}

TEST_CASE("values keep their order and their kind, there and back") {
  Json json = {
      {"name", "a \"b\"\n"}, {"count", std::uint64_t{18446744073709551615u}}, {"zero", 0}, {"below", -3}};
  json["none"] = Json();
  json["yes"] = true;
  json["list"] = Json::array();
  json["list"].push_back({{"x", 1.5}});
  json["list"].push_back(std::vector<std::string>{"p", "q"});
  json["empty"] = Json::object();
  json["name"] = "c";  // there already
  const std::string text = json_line(json);
  CHECK(text == R"({"name":"c","count":18446744073709551615,"zero":0,"below":-3,"none":null,"yes":true,)"
                R"("list":[{"x":1.5},["p","q"]],"empty":{}})");
  const auto again = parse(text);
  REQUIRE_OK(again);
  CHECK(*again == json);
  CHECK(*parse(json_text(json)) == json);
  CHECK(again->find("count")->number() == 18446744073709551615u);
  CHECK(again->find("yes")->boolean() == true);
  CHECK(*again->find("name")->text() == "c");
  CHECK(again->find("list")->elements()->size() == 2);
  CHECK(again->find("none")->is_null());
  CHECK(again->find("nothing") == nullptr);
  CHECK(again->find("name")->find("x") == nullptr);
  CHECK_FALSE(again->find("below")->number());
}

TEST_CASE("bytes that are not UTF-8 are replaced") {
  CHECK(json_line(Json(std::string("a\xff"
                                   "b"))) ==
        "\"a\xEF\xBF\xBD"
        "b\"");
}

TEST_CASE("what is no JSON is refused where it stops being that") {
  CHECK(refusal("").find("this is not JSON") == 0);
  CHECK(refusal("{\"a\": 1} x") ==
        "this is not JSON, or not all of it: it stops making sense at '1} x' (at file offset 0x9)");
  CHECK(refusal("[1, 2").find("this is not JSON") == 0);
  CHECK(refusal(std::string_view("{\"a\0\": 1}", 9)).find("this is not JSON") == 0);
  CHECK(refusal("\"\xff\"").find("this is not JSON") == 0);
  CHECK(refusal("{\"a\": 1, \"a\": 2}") == "the member 'a' is there twice");
  const std::string deep(100'000, '[');
  CHECK(refusal(deep) == "values are nested more than 64 deep: this is no file of ours");
  CHECK(parse(std::string(64, '[') + std::string(64, ']')).has_value());
  std::string wide = "{";
  for (int i = 0; i < 2000; ++i) wide += fmt::format("\"{}\": 0, ", i);
  CHECK(refusal(wide) == "an object has more than 1024 members: this is no file of ours");
}

TEST_CASE("every prefix of a text is refused") {
  const std::string text = R"({"a": [1, true, null, "x"], "b": {"c": 2.5}})";
  for (std::size_t size = 0; size < text.size(); ++size) CHECK_FALSE(parse(text.substr(0, size)).has_value());
}

}  // namespace
}  // namespace tintype
