#include "composer/explain.h"
#include "composer/json.h"
#include "formats/digest.h"

namespace tintype {

namespace {

std::string hash_of(LaunchPlatform platform, Bytes bytes) {
  const bool longer = digest_algorithm(platform) == "sha384";
  return longer ? to_hex(sha384(bytes)) : to_hex(sha256(bytes));
}

Json operation_json(const Launch& launch, std::size_t index, const std::optional<Machine>& machine) {
  const LaunchOperation& operation = launch.operations[index];
  Json json = {
      {"number", index + 1}, {"operation", launch.name_of(operation)}, {"kind", launch.kind_of(operation)}};
  if (const auto page = launch.page_of(operation)) {
    json["gpa"] = fmt::format("{:#x}", page->start);
    Json names = Json::array();
    for (const std::string_view name : region_names(machine, *page)) names.push_back(name);
    json["regions"] = std::move(names);
  }
  if (const std::string detail = launch.detail_of(operation); !detail.empty()) json["detail"] = detail;
  const Bytes contents = launch.contents_of(operation);
  json["contents"] = contents.empty() ? Json() : Json(hash_of(launch.platform, contents));
  json["digest"] = to_hex(launch.digest_after(operation));
  return json;
}

Json field_json(const FieldReport& field) {
  return {{"field", field.field},
          {"coverage", coverage_name(field.coverage)},
          {"why", field.why},
          {"source", field.source}};
}

// An image has a hundred thousand operations, each a line: values of all of them at once would be gigabytes.
std::string launch_json(const LaunchReport& report, const std::optional<Machine>& machine) {
  const Launch& launch = report.launch;
  std::string text = fmt::format(
      "    {{\n      \"platform\": \"{}\",\n      \"algorithm\": \"{}\",\n      \"digest\": \"{}\",\n"
      "      \"note\": {},\n",
      launch_platform_name(launch.platform), digest_algorithm(launch.platform), to_hex(launch.digest.value),
      json_line(launch.assumption ? Json(*launch.assumption) : Json()));
  const Json host = host_json(launch);
  for (const auto& [name, value] : *host.members())
    text += fmt::format("      \"{}\": {},\n", name, json_line(value));
  text += "      \"operations\": [";
  for (std::size_t i = 0; i < launch.operations.size(); ++i)
    text += fmt::format("{}\n        {}", i == 0 ? "" : ",", json_line(operation_json(launch, i, machine)));
  text += "\n      ],\n      \"fields\": [";
  bool first = true;
  for (const FieldReport& field : report.fields) {
    text += fmt::format("{}\n        {}", first ? "" : ",", json_line(field_json(field)));
    first = false;
  }
  return text + "\n      ]\n    }";
}

}  // namespace

std::string render_json(const ExplainReport& report) {
  std::string text = fmt::format("{{\n  \"file\": {},\n  \"launches\": [", json_line(Json(report.file)));
  bool first = true;
  for (const LaunchReport& launch : report.launches) {
    text += (first ? "\n" : ",\n") + launch_json(launch, report.machine);
    first = false;
  }
  return text + "\n  ]\n}\n";
}

}  // namespace tintype
