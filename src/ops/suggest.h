// "did you mean": the names nearest to a mistyped one.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace intarsia::ops {

// Letters to insert, remove, replace or swap with their neighbour to get from one text to the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

// "; did you mean 'softmax' or 'softplus'?", at most three, nearest first; empty where nothing is near.
std::string did_you_mean(std::string_view given, std::span<const std::string_view> known);

}  // namespace intarsia::ops
