# cmake -D build= -D source= -D scratch= -D generator= -D compiler= -P check.cmake

function(step)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed (${result}): ${ARGN}\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE "${scratch}")
step("${CMAKE_COMMAND}" --install "${build}" --prefix "${scratch}/prefix")
step("${CMAKE_COMMAND}" -S "${source}" -B "${scratch}/build" -G "${generator}"
     "-DCMAKE_CXX_COMPILER=${compiler}" "-DCMAKE_PREFIX_PATH=${scratch}/prefix")
step("${CMAKE_COMMAND}" --build "${scratch}/build")
step("${scratch}/build/consumer")
step("${scratch}/prefix/bin/galena" --version)
file(REMOVE_RECURSE "${scratch}")
