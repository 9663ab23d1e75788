# cmake -DROOT=... -DHEADERS="a.h,b.h" -DOUT=embedded.cpp -P embed.cmake
#
# A string table of the headers that generated code includes, by the name it includes them by.

string(REPLACE "," ";" headers "${HEADERS}")
set(entries "")
foreach(header IN LISTS headers)
  file(READ "${ROOT}/${header}" text)
  # Compilers limit the length of one literal, so a literal a line.
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n     \"" text "${text}")
  string(APPEND entries "    {\"${header}\",\n     \"${text}\"},\n")
endforeach()
file(WRITE "${OUT}" "// Made by embed.cmake.\n#include \"codegen/jit/headers.hpp\"\n\nnamespace galena::jit {\n\n"
  "const std::vector<Header>& embedded_headers() {\n  static const std::vector<Header> headers = {\n${entries}  };\n"
  "  return headers;\n}\n\n}  // namespace galena::jit\n")
