// The two errors: what a user did wrong, and what we did wrong.
#pragma once
#include <source_location>
#include <stdexcept>
#include <string>

namespace intarsia {

// The user's mistake: says what was given, what was wanted, and (once a front end has added it) the user's
// line.
struct UserError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Something valid that this build, machine or target cannot do. Says what would have to change.
struct Unsupported : UserError {
  using UserError::UserError;
};

// A broken invariant of ours; the text carries our file and line and asks for a report.
struct InternalError : std::logic_error {
  using std::logic_error::logic_error;
};

inline void check(bool holds, const std::string& what,
                  std::source_location at = std::source_location::current()) {
  if (!holds) throw InternalError(what + " [" + at.file_name() + ":" + std::to_string(at.line()) + "]");
}
inline void check(bool holds, const char* what, std::source_location at = std::source_location::current()) {
  if (!holds) check(false, std::string(what), at);
}

}  // namespace intarsia
