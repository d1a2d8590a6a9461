// AddressSanitizer turns a crash into exit status 1. A program that includes
// this dies of the signal, as it does without AddressSanitizer.
#ifndef TRIBUTARY_TESTS_SERVER_TRIAL_CRASHES_KILL_H_
#define TRIBUTARY_TESTS_SERVER_TRIAL_CRASHES_KILL_H_

#ifdef __SANITIZE_ADDRESS__
// NOLINTNEXTLINE: the sanitizer's name.
extern "C" const char* __asan_default_options() {
  return "handle_segv=0:handle_sigfpe=0";
}
#endif

#endif  // TRIBUTARY_TESTS_SERVER_TRIAL_CRASHES_KILL_H_
