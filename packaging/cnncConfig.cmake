# find_package(cnnc) gives cnnc_add_model:
#
#     cnnc_add_model(digit digit.net WEIGHTS digit.safetensors)      a library: digit.h, digit_predict(...), digit_trained
#     target_link_libraries(program PRIVATE digit)
#
#     cnnc_add_model(digit digit.net)                                a library with training too, where the file has a compile()
#     cnnc_add_model(digit_fit digit.net TRAINER)                    a program: digit_fit fit, evaluate, predict
#
# WEIGHTS_AS object puts the weights into an object file of their own, WEIGHTS_AS blob into a file, which the variable digit_BLOB names.
# INFERENCE leaves training out (WEIGHTS does too); OPTIONS --target=native ... are handed to cnnc.
# The header has the name of the network's file.
cmake_minimum_required(VERSION 3.13)
get_filename_component(cnnc_PREFIX "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(cnnc_EXECUTABLE "${cnnc_PREFIX}/bin/cnnc" CACHE INTERNAL "of cnnc")
set(cnnc_RUNTIME "${cnnc_PREFIX}/lib/cnnc/libcnnc_runtime.a" CACHE INTERNAL "of cnnc")
set(cnnc_INCLUDE_DIR "${cnnc_PREFIX}/lib/cnnc/include" CACHE INTERNAL "of cnnc")

function(cnnc_add_model target network)
    cmake_parse_arguments(PARSE_ARGV 2 model "TRAINER;INFERENCE" "WEIGHTS;WEIGHTS_AS" "OPTIONS")
    if(model_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "cnnc_add_model(${target}): what is ${model_UNPARSED_ARGUMENTS}?")
    endif()
    get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
    if(NOT C IN_LIST languages)
        message(FATAL_ERROR "cnnc_add_model(${target}): cnnc writes C, which this project does not speak: say project(... LANGUAGES C CXX), or enable_language(C)")
    endif()
    if(model_TRAINER AND (model_WEIGHTS OR model_INFERENCE))
        message(FATAL_ERROR "cnnc_add_model(${target}): TRAINER goes with neither WEIGHTS nor INFERENCE")
    endif()
    if(model_WEIGHTS_AS AND (NOT model_WEIGHTS OR NOT model_WEIGHTS_AS MATCHES "^(code|object|blob)$"))
        message(FATAL_ERROR "cnnc_add_model(${target}): WEIGHTS_AS is code, object or blob, and goes with WEIGHTS")
    endif()
    get_filename_component(network "${network}" ABSOLUTE)
    get_filename_component(name "${network}" NAME_WE)
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/${target}.cnnc")
    set(source "${folder}/${name}.c")
    set(options ${model_OPTIONS})
    set(depends "${network}" "${cnnc_EXECUTABLE}")
    if(model_INFERENCE OR model_WEIGHTS)
        list(APPEND options --emit=inference)
    endif()
    if(model_WEIGHTS)
        get_filename_component(weights "${model_WEIGHTS}" ABSOLUTE)
        list(APPEND options "--weights=${weights}")
        list(APPEND depends "${weights}")
    endif()
    set(others)
    if(model_WEIGHTS_AS)
        list(APPEND options "--weights-as=${model_WEIGHTS_AS}")
        if(model_WEIGHTS_AS STREQUAL "object")
            set(others "${folder}/${name}_weights.c")
        elseif(model_WEIGHTS_AS STREQUAL "blob")
            set(others "${folder}/${name}_weights.bin")
            set(${target}_BLOB "${others}" PARENT_SCOPE)
        endif()
    endif()
    file(MAKE_DIRECTORY "${folder}")
    add_custom_command(
        OUTPUT "${source}" "${folder}/${name}.h" ${others}
        COMMAND "${cnnc_EXECUTABLE}" "${network}" -o "${source}" ${options}
        DEPENDS ${depends}
        COMMENT "cnnc ${name}.net"
        VERBATIM)
    if(model_TRAINER)
        set(table "${folder}/${name}_trainer.c")
        add_custom_command(
            OUTPUT "${table}"
            COMMAND "${cnnc_EXECUTABLE}" "${network}" -o "${table}" --emit=trainer ${options}
            DEPENDS ${depends}
            VERBATIM)
        add_executable(${target} "${source}" "${table}")
        target_include_directories(${target} PRIVATE "${cnnc_INCLUDE_DIR}")
        target_link_libraries(${target} PRIVATE "${cnnc_RUNTIME}" cjson png z m)
        find_package(OpenMP QUIET COMPONENTS C)
        if(OpenMP_C_FOUND)
            target_link_libraries(${target} PRIVATE OpenMP::OpenMP_C)
        endif()
    else()
        add_library(${target} STATIC "${source}" "${folder}/${name}.h" ${others})
        set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
        target_link_libraries(${target} PUBLIC m)
    endif()
    target_include_directories(${target} PUBLIC "${folder}")
    # Without a build type CMake asks for no optimisation at all, and the program would be many times slower.
    target_compile_options(${target} PRIVATE $<$<CONFIG:>:-O2>)
endfunction()
