// Rows of the opcode table: video instructions, on parts of registers.
#include "ptx/opcodes.h"

namespace intarsia::ptx {
namespace {

using enum Family;

constexpr Row kRows[] = {
    {"vadd", "@word @word @word ?sat", "A a a ?s", kVideo},
    {"vadd", "@word @word @word ?sat add|min|max", "A a a s", kVideo},
    {"vsub", "@word @word @word ?sat", "A a a ?s", kVideo},
    {"vsub", "@word @word @word ?sat add|min|max", "A a a s", kVideo},
    {"vabsdiff", "@word @word @word ?sat", "A a a ?s", kVideo},
    {"vabsdiff", "@word @word @word ?sat add|min|max", "A a a s", kVideo},
    {"vmin", "@word @word @word ?sat", "A a a ?s", kVideo},
    {"vmin", "@word @word @word ?sat add|min|max", "A a a s", kVideo},
    {"vmax", "@word @word @word ?sat", "A a a ?s", kVideo},
    {"vmax", "@word @word @word ?sat add|min|max", "A a a s", kVideo},
    {"vshl", "@word @word u32 ?sat clamp|wrap", "A a a ?s", kVideo},
    {"vshl", "@word @word u32 ?sat clamp|wrap add|min|max", "A a a s", kVideo},
    {"vshr", "@word @word u32 ?sat clamp|wrap", "A a a ?s", kVideo},
    {"vshr", "@word @word u32 ?sat clamp|wrap add|min|max", "A a a s", kVideo},
    {"vmad", "@word @word @word ?po ?sat ?shr7|shr15", "A a a aw", kVideo},
    {"vset", "@word @word eq|ne|lt|le|gt|ge", "A a a ?s", kVideo},
    {"vset", "@word @word eq|ne|lt|le|gt|ge add|min|max", "A a a s", kVideo},
    {"vadd2", "@word @word @word ?sat|add", "A a a s", kVideo},
    {"vsub2", "@word @word @word ?sat|add", "A a a s", kVideo},
    {"vavrg2", "@word @word @word ?sat|add", "A a a s", kVideo},
    {"vabsdiff2", "@word @word @word ?sat|add", "A a a s", kVideo},
    {"vmin2", "@word @word @word ?sat|add", "A a a s", kVideo},
    {"vmax2", "@word @word @word ?sat|add", "A a a s", kVideo},
    {"vset2", "@word @word eq|ne|lt|le|gt|ge ?add", "A a a s", kVideo},
    {"vadd4", "@word @word @word ?sat|add", "A a a s", kVideo},
    {"vsub4", "@word @word @word ?sat|add", "A a a s", kVideo},
    {"vavrg4", "@word @word @word ?sat|add", "A a a s", kVideo},
    {"vabsdiff4", "@word @word @word ?sat|add", "A a a s", kVideo},
    {"vmin4", "@word @word @word ?sat|add", "A a a s", kVideo},
    {"vmax4", "@word @word @word ?sat|add", "A a a s", kVideo},
    {"vset4", "@word @word eq|ne|lt|le|gt|ge ?add", "A a a s", kVideo},
};

}  // namespace

std::span<const Row> video_rows() { return kRows; }

}  // namespace intarsia::ptx
