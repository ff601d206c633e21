#include "composer/json.h"

#include <algorithm>
#include <cassert>
#include <nlohmann/json.hpp>

namespace tintype {

Json::Json(std::initializer_list<Member> members) : value_(Object(members)) {}

Json::Json(const std::vector<std::string>& texts) : value_(Array(texts.begin(), texts.end())) {}

std::optional<bool> Json::boolean() const {
  const bool* value = std::get_if<bool>(&value_);
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<std::uint64_t> Json::number() const {
  const auto* value = std::get_if<std::uint64_t>(&value_);
  return value ? std::optional(*value) : std::nullopt;
}

const Json* Json::find(std::string_view name) const {
  const Object* object = members();
  if (!object) return nullptr;
  const auto found = std::find_if(object->begin(), object->end(),
                                  [&](const Member& member) { return member.first == name; });
  return found == object->end() ? nullptr : &found->second;
}

Json& Json::operator[](std::string_view name) {
  if (is_null()) value_ = Object();
  auto* object = std::get_if<Object>(&value_);
  assert(object);
  for (Member& member : *object)
    if (member.first == name) return member.second;
  return object->emplace_back(name, Json()).second;
}

void Json::push_back(Json element) {
  auto* array = std::get_if<Array>(&value_);
  assert(array);
  array->push_back(std::move(element));
}

struct JsonText {
  nlohmann::ordered_json operator()(std::monostate) const { return nullptr; }
  nlohmann::ordered_json operator()(const Json::Array& elements) const {
    auto json = nlohmann::ordered_json::array();
    for (const Json& element : elements) json.push_back(std::visit(*this, element.value_));
    return json;
  }
  nlohmann::ordered_json operator()(const Json::Object& members) const {
    // Our own objects have no member twice, so nothing has to be looked for.
    nlohmann::ordered_json::object_t object;
    for (const auto& [name, value] : members) object.emplace_back(name, std::visit(*this, value.value_));
    return object;
  }
  template <typename T>
  nlohmann::ordered_json operator()(const T& value) const {
    return value;
  }
  static std::string dump(const Json& json, int indent) {
    constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
    return std::visit(JsonText{}, json.value_).dump(indent, ' ', false, kReplace);
  }
};

std::string json_text(const Json& json) {
  return JsonText::dump(json, 2) + "\n";
}

std::string json_line(const Json& json) {
  return JsonText::dump(json, -1);
}

namespace {

// As it stands `depth` levels deep. Line feeds of strings are escaped.
std::string nested_text(const Json& json, std::size_t depth) {
  std::string text;
  for (const char c : JsonText::dump(json, 2)) {
    text += c;
    if (c == '\n') text.append(2 * depth, ' ');
  }
  return text;
}

}  // namespace

void JsonObjectText::start(std::string_view name) {
  output_(fmt::format("{}\n  {}: ", first_ ? "{" : ",", json_line(Json(name))));
  first_ = false;
}

void JsonObjectText::member(std::string_view name, const Json& value) {
  start(name);
  output_(nested_text(value, 1));
}

void JsonObjectText::element(const Json& json, bool first) {
  output_(fmt::format("{}\n    {}", first ? "[" : ",", nested_text(json, 2)));
}

namespace {

// Builds the value while the text is read, so that nesting is bounded before anything is nested.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return put(Json()); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(std::uint64_t{value}); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // has no place in a text
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (open_.back().json.members()->size() == kMaxJsonMembers)
      return refuse(fail("an object has more than {} members: this is no file of ours", kMaxJsonMembers));
    if (open_.back().json.find(name)) return refuse(fail("the member '{}' is there twice", path_to(name)));
    open_.back().name = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception&) override {
    const std::string near = token.substr(0, 40);
    return refuse(fail_at(position == 0 ? 0 : position - 1, "this is not JSON, or not all of it{}",
                          near.empty() ? "" : fmt::format(": it stops making sense at '{}'", near)));
  }

  Result<Json> finish() {
    if (refusal_) return tl::unexpected(*refusal_);
    return std::move(root_);
  }

 private:
  // A list or object whose end has not been read, and the name of the member that comes next.
  struct Open {
    Json json;
    std::string name;
  };
  // "regions[3].name": of the innermost object.
  std::string path_to(const std::string& name) const {
    std::string path;
    for (const Open& outer : open_) {
      if (&outer == &open_.back()) break;
      path += outer.json.elements() ? fmt::format("[{}]", outer.json.elements()->size())
                                    : (path.empty() ? "" : ".") + outer.name;
    }
    return path.empty() ? name : path + "." + name;
  }
  bool refuse(tl::unexpected<Error> error) {
    refusal_ = std::move(error).value();
    return false;
  }
  bool put(Json value) {
    if (open_.empty())
      root_ = std::move(value);
    else if (open_.back().json.elements())
      open_.back().json.push_back(std::move(value));
    else
      open_.back().json[open_.back().name] = std::move(value);
    return true;
  }
  bool open(Json value) {
    if (open_.size() == kMaxJsonDepth)
      return refuse(fail("values are nested more than {} deep: this is no file of ours", kMaxJsonDepth));
    open_.push_back({std::move(value), {}});
    return true;
  }
  bool close() {
    Json value = std::move(open_.back().json);
    open_.pop_back();
    return put(std::move(value));
  }

  Json root_;
  std::vector<Open> open_;
  std::optional<Error> refusal_;
};

}  // namespace

Result<Json> parse_json(Bytes text) {
  Builder builder;
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return builder.finish();
}

}  // namespace tintype
