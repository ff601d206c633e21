#include "composer/diff.h"
#include "composer/json.h"
#include "formats/hex.h"

namespace tintype {

namespace {

std::string_view kind_name(Difference::Kind kind) {
  switch (kind) {
    case Difference::Kind::changed:
      return "changed";
    case Difference::Kind::only_a:
      return "only in a";
    case Difference::Kind::only_b:
      break;
  }
  return "only in b";
}

Json range_json(const std::optional<GpaRange>& range) {
  if (!range) return Json();
  return {{"start", hex(range->start)}, {"end", hex(range->end)}, {"size", range->size()}};
}

Json memory_json(const Difference& difference) {
  const MemoryDifference& memory = *difference.memory;
  Json json = {{"compared", memory.compared},
               {"bytes", memory.bytes},
               {"pages", memory.pages},
               {"first", memory.first ? Json(*memory.first) : Json()},
               {"zero_pages_only_in_a", memory.only_a},
               {"zero_pages_only_in_b", memory.only_b}};
  if (difference.excerpt)
    json["excerpt"] = {
        {"a", difference.excerpt->a}, {"b", difference.excerpt->b}, {"text", difference.excerpt->text}};
  if (!memory.kinds.empty()) json["kinds"] = Json::array();
  for (const KindChange& kind : memory.kinds)
    json["kinds"].push_back({{"pages", kind.pages}, {"first", kind.first}, {"a", kind.a}, {"b", kind.b}});
  return json;
}

Json structure_json(const StructureChange& structure) {
  Json json = {{"name", structure.name}};
  json["fields"] = Json::array();
  for (const FieldChange& field : structure.fields)
    json["fields"].push_back(
        {{"field", field.field}, {"offset", field.offset}, {"a", field.a}, {"b", field.b}});
  return json;
}

Json difference_json(const Difference& difference, const std::array<std::string, 2>& files) {
  Json json = {{"category", difference.category},
               {"name", difference.name},
               {"kind", kind_name(difference.kind)},
               {"text", difference_text(difference, files)},
               {"platforms", difference.platforms}};
  if (!difference.values.empty()) {
    json["values"] = Json::array();
    for (const auto& [name, a, b] : difference.values)
      json["values"].push_back({{"name", name}, {"a", a}, {"b", b}});
  }
  if (difference.range_a || difference.range_b) {
    json["a"] = range_json(difference.range_a);
    json["b"] = range_json(difference.range_b);
  }
  if (difference.memory) json["memory"] = memory_json(difference);
  if (difference.structure) json["structure"] = structure_json(*difference.structure);
  return json;
}

Json digest_json(const DigestDifference& digest) {
  Json json = {{"platform", launch_platform_name(digest.platform)},
               {"algorithm", digest_algorithm(digest.platform)},
               {"a", to_hex(digest.a.value)},
               {"b", to_hex(digest.b.value)},
               {"equal", digest.a == digest.b},
               {"operations_a", digest.operations_a},
               {"operations_b", digest.operations_b}};
  json["parts_at"] = digest.parts_at ? Json(*digest.parts_at) : Json();
  if (digest.parts_at) {
    json["operation_a"] = digest.operation_a;
    json["operation_b"] = digest.operation_b;
  }
  json["host_a"] = digest.host_a;
  json["host_b"] = digest.host_b;
  return json;
}

}  // namespace

std::string render_json(const DiffReport& report) {
  Json json = {{"a", {{"file", report.files[0]}, {"size", report.sizes[0]}}},
               {"b", {{"file", report.files[1]}, {"size", report.sizes[1]}}},
               {"equal", report.equal()}};
  json["differences"] = Json::array();
  for (const Difference& difference : report.differences)
    json["differences"].push_back(difference_json(difference, report.files));
  json["digests"] = Json::array();
  for (const DigestDifference& digest : report.digests) json["digests"].push_back(digest_json(digest));
  json["notes"] = report.notes;
  return json_text(json);
}

}  // namespace tintype
