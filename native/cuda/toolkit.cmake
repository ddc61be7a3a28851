# The CUDA plug-in libfovea_cuda.so: the host runtime (native/cuda) and the kernels (native/ops/<op>/*.cu). It is loaded at run
# time and never linked, so nothing else needs a toolkit. Kernels are compiled for sm_80 (code, and PTX for every later GPU) and
# for sm_90a; a source named *_sm90.cu holds Hopper's own instructions and is compiled for sm_90a alone.
set(FOVEA_CUDA AUTO CACHE STRING "CUDA plug-in: AUTO (when a toolkit is found), ON (an error without one) or OFF")
set_property(CACHE FOVEA_CUDA PROPERTY STRINGS AUTO ON OFF)
set(FOVEA_CUDA_ROOT "" CACHE PATH "The toolkit in use, found by build/cuda-toolkit.sh --find; CUDAToolkit_ROOT is tried first")
mark_as_advanced(FOVEA_CUDA_ROOT)

file(GLOB FOVEA_CUDA_KERNELS CONFIGURE_DEPENDS native/ops/*/*.cu native/cuda/*.cu)
file(GLOB FOVEA_CUDA_HOST CONFIGURE_DEPENDS native/cuda/*.cc)
list(APPEND FOVEA_CUDA_HOST native/core/tensor.cc) # descriptions of tensors and the check of workspaces
# Sanitizers check the emulated kernels; real ones could not run under them.
if(NOT FOVEA_CUDA OR (FOVEA_CUDA STREQUAL "AUTO" AND FOVEA_SANITIZE) OR NOT (FOVEA_CUDA_KERNELS OR FOVEA_CUDA_HOST))
  return()
endif()

# Looking for a toolkit ends with a test compilation (seconds), so what was found is kept while it is there.
if(NOT EXISTS "${FOVEA_CUDA_ROOT}/bin/nvcc" OR (CUDAToolkit_ROOT AND NOT CUDAToolkit_ROOT STREQUAL FOVEA_CUDA_ROOT))
  if(NOT CUDAToolkit_ROOT)
    set(CUDAToolkit_ROOT "$ENV{CUDAToolkit_ROOT}")
  endif()
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env "CXX=${CMAKE_CXX_COMPILER}" "CUDAToolkit_ROOT=${CUDAToolkit_ROOT}"
      "${PROJECT_SOURCE_DIR}/build/cuda-toolkit.sh" --find
    RESULT_VARIABLE code OUTPUT_VARIABLE root ERROR_VARIABLE reason
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_STRIP_TRAILING_WHITESPACE)
  if(NOT code EQUAL 0)
    set(root "")
  endif()
  set(FOVEA_CUDA_ROOT "${root}" CACHE PATH "" FORCE)
endif()
if(NOT FOVEA_CUDA_ROOT)
  if(FOVEA_CUDA STREQUAL "AUTO")
    message(STATUS "Without CUDA: ${reason}")
    return()
  endif()
  message(FATAL_ERROR "${reason}; build/cuda-toolkit.sh brings a toolkit")
endif()

set(CMAKE_CUDA_COMPILER "${FOVEA_CUDA_ROOT}/bin/nvcc")
set(CMAKE_CUDA_HOST_COMPILER "${CMAKE_CXX_COMPILER}")
set(CMAKE_CUDA_ARCHITECTURES 80) # for CMake's own checks; the plug-in names its own below
enable_language(CUDA)
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION) # CMake 3.25 does not know it
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()
# Not find_package(CUDAToolkit): that of CMake 3.25 fails on a toolkit without NVIDIA's other libraries.
find_library(FOVEA_CUDART cudart_static REQUIRED NO_CACHE NO_DEFAULT_PATH PATHS ${CMAKE_CUDA_HOST_IMPLICIT_LINK_DIRECTORIES})

add_library(fovea_cuda MODULE ${FOVEA_CUDA_HOST} ${FOVEA_CUDA_KERNELS})
target_include_directories(fovea_cuda PRIVATE native/include native)
target_include_directories(fovea_cuda SYSTEM PRIVATE ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})
target_compile_definitions(fovea_cuda PRIVATE $<TARGET_PROPERTY:fovea_flags,INTERFACE_COMPILE_DEFINITIONS>)
# nvcc writes host code of its own, which -Wconversion and its like would complain about.
set(nvcc_options -Xcompiler=-Wall,-Wextra,-Werror -Werror=cross-execution-space-call,reorder
  -Xptxas=-v,-warn-spills,-warn-lmem-usage)
target_compile_options(fovea_cuda PRIVATE
  "$<$<COMPILE_LANGUAGE:CXX>:$<TARGET_PROPERTY:fovea_flags,INTERFACE_COMPILE_OPTIONS>>"
  "$<$<COMPILE_LANGUAGE:CUDA>:${nvcc_options}>")
foreach(kernel IN LISTS FOVEA_CUDA_KERNELS)
  set(targets -gencode=arch=compute_90a,code=sm_90a)
  if(NOT kernel MATCHES "_sm90\\.cu$")
    list(PREPEND targets "-gencode=arch=compute_80,code=[sm_80,compute_80]")
  endif()
  set_source_files_properties(${kernel} PROPERTIES COMPILE_OPTIONS "${targets}")
endforeach()
# The runtime is linked statically and hidden: a process may hold another version of it.
target_link_libraries(fovea_cuda PRIVATE ${FOVEA_CUDART} Threads::Threads ${CMAKE_DL_LIBS} rt)
target_link_options(fovea_cuda PRIVATE -Wl,--exclude-libs,ALL -Wl,-z,defs -Wl,-Bsymbolic
  -Wl,--version-script=${PROJECT_SOURCE_DIR}/native/fovea.map)
set(launcher ${PROJECT_SOURCE_DIR}/native/cuda/compile.sh ${CMAKE_CUDA_COMPILER_LAUNCHER})
set_target_properties(fovea_cuda PROPERTIES
  CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON CUDA_EXTENSIONS OFF CUDA_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
  CUDA_ARCHITECTURES OFF CUDA_RUNTIME_LIBRARY None
  CUDA_COMPILER_LAUNCHER "${launcher}"
  LINK_DEPENDS ${PROJECT_SOURCE_DIR}/native/fovea.map)

# What build/cuda-report.sh reads: the compiler and every object; beside each object lies what ptxas said of it.
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/fovea_cuda.objects CONTENT "$<JOIN:$<TARGET_OBJECTS:fovea_cuda>,\n>\n")

# What the language layer's wrappers leave in registers and memory, to be compared with the emulator's lines on a GPU.
file(GLOB conformance CONFIGURE_DEPENDS tests/Native/emulator/kernels/conformance*.cu)
list(APPEND conformance tests/Cuda/conformance_main.cu)
add_executable(fovea_cuda_conformance EXCLUDE_FROM_ALL ${conformance})
set_source_files_properties(${conformance} PROPERTIES COMPILE_OPTIONS "-gencode=arch=compute_90a,code=sm_90a")
target_include_directories(fovea_cuda_conformance PRIVATE native tests/Native/emulator)
target_include_directories(fovea_cuda_conformance SYSTEM PRIVATE ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})
target_link_libraries(fovea_cuda_conformance PRIVATE ${FOVEA_CUDART} Threads::Threads ${CMAKE_DL_LIBS} rt)
set_target_properties(fovea_cuda_conformance PROPERTIES CUDA_STANDARD 20 CUDA_ARCHITECTURES OFF CUDA_RUNTIME_LIBRARY None)
