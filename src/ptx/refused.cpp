// What PTX has and this library does not execute, with the reason: instructions that need more than a form in
// the opcode table.
#include <algorithm>

#include "ptx/opcodes.h"

namespace intarsia::ptx {
namespace {

constexpr std::string_view kTextures = "textures and surfaces are not supported: read global memory instead";
constexpr std::string_view kSynchronised = "sm_70 dropped it: use the form with .sync and a membermask";
constexpr std::string_view kBlackwell = "it needs sm_100; devices up to sm_90 are imitated";
constexpr std::string_view kSeveralDevices =
    "a multimem address spans several devices, and one device is imitated: use ld, st and red";
constexpr std::string_view kSparse = "sparse products are not supported: use the dense form";
constexpr std::string_view kIm2col =
    "tensor maps in im2col mode are not supported: copy tiles, with a tensor map of encode_tensor_map";

constexpr Refused kRefused[] = {
    {"tex", "", kTextures},
    {"tld4", "", kTextures},
    {"txq", "", kTextures},
    {"suld", "", kTextures},
    {"sust", "", kTextures},
    {"sured", "", kTextures},
    {"suq", "", kTextures},
    {"istypep", "", kTextures},
    {"multimem", "", kSeveralDevices},
    {"tcgen05", "", kBlackwell},
    {"clusterlaunchcontrol", "", kBlackwell},
    {"st", "bulk", kBlackwell},
    {"cp", "tile::gather4", kBlackwell},
    {"cp", "tile::scatter4", kBlackwell},
    {"cp", "im2col", kIm2col},
    {"cp", "im2col::w", kIm2col},
    {"cp", "im2col::w::128", kIm2col},
    {"cp", "im2col_no_offs", kIm2col},
    {"mma", "sp", kSparse},
    {"mma", "sp::ordered_metadata", kSparse},
    {"wgmma", "sp", kSparse},
    {"shfl", "up|down|bfly|idx", kSynchronised},
    {"vote", "all|any|uni|ballot", kSynchronised},
};

}  // namespace

std::span<const Refused> refused() { return kRefused; }

}  // namespace intarsia::ptx
