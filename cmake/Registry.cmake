# tintype_registry(OUT FOLDER TYPE PREFIX FUNCTION HEADER)
#
# Collects every FOLDER/*.cc into one generated source: an extern declaration of `const TYPE PREFIX_<stem>` for each,
# and FUNCTION(), which returns them all in the order of their file names. A file that forgets its descriptor fails to
# link, with its own name in the message. OUT receives the sources, generated one included.
function(tintype_registry out folder type prefix function header)
  file(GLOB sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${folder}/*.cc)
  list(SORT sources)
  set(declarations "")
  set(entries "")
  foreach(source ${sources})
    get_filename_component(stem ${source} NAME_WE)
    string(APPEND declarations "extern const ${type} ${prefix}_${stem};\n")
    string(APPEND entries "    &${prefix}_${stem},\n")
  endforeach()
  get_filename_component(room ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  set(file ${PROJECT_BINARY_DIR}/generated/${prefix}_registry.cc)
  file(GENERATE OUTPUT ${file} CONTENT
"// Generated from ${room}/${folder}/*.cc.
#include \"${room}/${header}\"
namespace tintype {
${declarations}
std::span<const ${type}* const> ${function}() {
  static constexpr const ${type}* kAll[] = {
${entries}  };
  return kAll;
}
}  // namespace tintype
")
  set(${out} ${sources} ${file} PARENT_SCOPE)
endfunction()
