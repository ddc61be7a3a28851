// A kernel that touches memory it may not must fail its launch, not the process: the signal handler lets the faulting thread
// go on in land(), on its own stack, which reports and abandons the launch. Everything else goes to the previous handler.
#include <ucontext.h>

#include <csignal>

#include "runtime_internal.h"

namespace fovea::emulator {
namespace {
struct sigaction previous;
thread_local char* fault_address;

std::string describe_address(const char* p) {
  char text[256];
  const Alloc* a = size_t(p - device_base) < device_used ? find_alloc(p) : nullptr;
  if (a)
    snprintf(text, sizeof text, "touched memory it may not: offset %zd of %s allocation of %zu bytes", ssize_t(p - a->p),
             a->live ? "an" : "a freed", a->n);
  else
    snprintf(text, sizeof text, "touched invalid address %p", static_cast<const void*>(p));
  return text;
}

[[noreturn]] void land() { fail("%s", describe_address(fault_address).c_str()); }

void on_fault(int signal, siginfo_t* info, void* context) {
  char* p = static_cast<char*>(info->si_addr);
  if (on_device()) {
    fault_address = p;
    greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    // Below the red zone, and aligned as at a function's entry, where the return address lies on top.
    registers[REG_RSP] = ((registers[REG_RSP] - 256) & ~greg_t(15)) - 8;
    registers[REG_RIP] = reinterpret_cast<greg_t>(&land);
    return;
  }
  if (size_t(p - device_base) < device_used) report("host code " + describe_address(p));
  if (previous.sa_flags & SA_SIGINFO) return previous.sa_sigaction(signal, info, context);
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) return previous.sa_handler(signal);
  ::signal(signal, SIG_DFL);  // the access is repeated and ends the process
}
}  // namespace

void catch_faults() {
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, &previous);
}
}  // namespace fovea::emulator
