# cmake -DOUTPUT=x.cpp -DROOT=datasets -P embed.cmake
#
# Writes a source file with the registry and the files of the bundled datasets as byte arrays, so that they are at
# hand wherever the command or a program that links the library runs. The registry says which files.

file(READ "${ROOT}/registry.json" registry)
set(files registry.json)
string(JSON last LENGTH "${registry}" datasets)
math(EXPR last "${last} - 1")
foreach(i RANGE ${last})
  string(JSON name GET "${registry}" datasets ${i} name)
  string(JSON count ERROR_VARIABLE absent LENGTH "${registry}" datasets ${i} bundled)
  if(NOT absent)
    math(EXPR end "${count} - 1")
    foreach(j RANGE ${end})
      string(JSON file GET "${registry}" datasets ${i} bundled ${j})
      list(APPEND files "${name}/${file}")
    endforeach()
  endif()
endforeach()

set(arrays "")
set(rows "")
set(number 0)
foreach(file IN LISTS files)
  file(READ "${ROOT}/${file}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "constexpr unsigned char kFile${number}[] = {${bytes}};\n")
  string(APPEND rows "    {\"${file}\", kFile${number}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUTPUT}.new" "// Made by embed.cmake.
#include \"src/graph/embedded.hpp\"

namespace galena::detail {
namespace {
${arrays}
constexpr EmbeddedFile kFiles[] = {
${rows}};
}  // namespace

std::span<const EmbeddedFile> embedded_files() { return kFiles; }

}  // namespace galena::detail
")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
