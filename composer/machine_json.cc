#include "composer/machine_json.h"

#include "formats/digest.h"
#include "formats/hex.h"

namespace tintype {

Json kernel_place_json(const Machine& machine) {
  if (!machine.kernel) return Json();
  const KernelPlace& place = *machine.kernel;
  return {{"placed_by", kernel_place_name(place.by)},
          {"physical", hex(place.physical)},
          {"virtual", place.by == KernelPlace::By::boot ? Json() : Json(hex(place.virtual_address))}};
}

Json components_json(const Machine& machine) {
  Json components = Json::array();
  for (const Component& component : machine.components)
    components.push_back({{"role", component.role},
                          {"format", component.format},
                          {"version", component.version},
                          {"size", component.size},
                          {"sha256", to_hex(component.sha256)}});
  return components;
}

}  // namespace tintype
