# Library `mlp`: engine/ behind include/mlp. It knows libc, libm and threads, nothing else (Architecture.cmake).
file(GLOB_RECURSE engine_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/engine/*.c)
file(GLOB_RECURSE engine_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/engine/*.h ${PROJECT_SOURCE_DIR}/include/mlp/*.h)
# A body is included by the kernel files, once per instruction set; it is no translation unit.
list(FILTER engine_sources EXCLUDE REGEX "_body\\.c$")

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    set(mlp_x86 ON)
else()
    set(mlp_x86 OFF)
    list(FILTER engine_sources EXCLUDE REGEX "kernels/avx[0-9]+\\.c$")
endif()

# A NaN loss must be seen: never -ffast-math. Nor is a product fused with a sum unless fma_vec says so: -ffp-contract=off (mlpd_flags).
set(MLPD_KERNEL_LEVEL -O3 CACHE STRING "Optimisation level of the kernels; it changes no bit (scripts/bits.sh)")
set(kernel_flags ${MLPD_KERNEL_LEVEL} -fno-math-errno)
set(kernel_flags_generic ${kernel_flags})
set(kernel_flags_avx2 ${kernel_flags} -mavx2 -mfma -mf16c -mbmi -mbmi2)
set(kernel_flags_avx512 ${kernel_flags} -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma -mbmi -mbmi2
    -mprefer-vector-width=512)
foreach(set generic avx2 avx512)
    set_source_files_properties(${PROJECT_SOURCE_DIR}/engine/kernels/${set}.c PROPERTIES COMPILE_OPTIONS "${kernel_flags_${set}}")
endforeach()
# Lines that are asked for to be written: without it they are asked for to be read.
if(mlp_x86)
    set_source_files_properties(${PROJECT_SOURCE_DIR}/engine/network/forward.c PROPERTIES COMPILE_OPTIONS "-mprfchw")
endif()
# The encoding of a row of bytes, once per request: -O2 does not vectorise it.
set_source_files_properties(${PROJECT_SOURCE_DIR}/engine/recipe/recipe.c PROPERTIES COMPILE_OPTIONS "-O3")

add_library(mlp STATIC ${engine_sources} ${engine_headers})
set_target_properties(mlp PROPERTIES LINKER_LANGUAGE C)
target_include_directories(mlp PUBLIC ${PROJECT_SOURCE_DIR}/include PRIVATE ${PROJECT_SOURCE_DIR}/engine)
target_compile_definitions(mlp PRIVATE $<$<BOOL:${mlp_x86}>:MLP_X86=1>)
target_link_libraries(mlp PUBLIC Threads::Threads m PRIVATE mlpd_flags)
