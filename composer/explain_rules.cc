// The sources, as the tables cite them:
//   AMD 56860       SEV Secure Nested Paging Firmware ABI Specification, 1.55
//   AMD 24593       AMD64 Architecture Programmer's Manual, volume 2
//   AMD 56421       SEV-ES Guest-Hypervisor Communication Block Standardization
//   Intel 348549    TDX Module Architecture Specification (1.5): Base Architecture
//   Intel 348551    TDX Module ABI Reference (1.5)
//   igvm vbs.rs     the `igvm` crate, igvm/src/measurement/vbs.rs; igvm snp.rs beside it
//   Linux sev.c     Linux arch/x86/kvm/svm/sev.c
#include "composer/explain_rules.h"

namespace tintype {

namespace {

using enum Coverage;

constexpr FieldRule kNative[] = {
    {"order of headers", unmeasured,
     "records are sorted by address, so neither order nor place in the file matters", "NATIVE-DIGEST.md"},
    {"component names", unmeasured, "of files that were composed; what is in them is in pages",
     "NATIVE-DIGEST.md"},
    {"region names", unmeasured, "labels are for people", "NATIVE-DIGEST.md"},
    {"protocol name", unmeasured, "what it leads to is in pages and registers", "NATIVE-DIGEST.md"},
    {"CPUID", host, "the guest finds the processor features that the host's KVM offers", "NATIVE-DIGEST.md"},
    {"time", host, "clocks and timers start when and as fast as the host's", "NATIVE-DIGEST.md"},
    {"randomness", host, "what devices and the processor give", "NATIVE-DIGEST.md"},
    {"disk contents", host, "what is behind a device is not the device", "NATIVE-DIGEST.md"},
    {"policy", absent, "nothing isolates the guest from its host", ""},
    {"ID block", absent, "nothing attests: who starts the snapshot computes the digest", ""},
    {"host data", absent, "there is no report to carry it", ""},
    {"secrets", absent, "only SEV-SNP has a page of them", ""},
};

constexpr FieldRule kSnp[] = {
    {"RAM size", host, "memory that is not launched is given by the host and validated by the guest",
     "AMD 24593, 15.36"},
    {"order of operations", measured,
     "each PAGE_INFO holds the digest before it; loaders are taken to keep the order of the file",
     "AMD 56860, 8.17.2"},
    {"page types", measured, "PAGE_INFO.PAGE_TYPE", "AMD 56860, 8.17.2"},
    {"VMPL permissions", measured, "PAGE_INFO.VMPL1_PERMS to VMPL3_PERMS, which are zero here",
     "AMD 56860, 8.17.2"},
    {"CPUID", host,
     "the values in a CPUID page are the host's; the firmware refuses those that are not safe, and only the "
     "page's address and type are measured",
     "AMD 56860, PAGE_TYPE_CPUID"},
    {"devices", host, "what the guest is told of them may be in measured pages; how they behave is not",
     "AMD 56421"},
    {"policy", unmeasured,
     "given to SNP_LAUNCH_START; the report has it as POLICY, and an ID block has to have the same",
     "AMD 56860, SNP_LAUNCH_START"},
    {"host data", host, "32 bytes that the host gives to SNP_LAUNCH_FINISH; the report has them as HOST_DATA",
     "AMD 56860, SNP_LAUNCH_FINISH"},
    {"firmware and chip", host, "the report has them as REPORTED_TCB and CHIP_ID",
     "AMD 56860, ATTESTATION_REPORT"},
    {"report data", unmeasured, "64 bytes that the guest chooses when it asks for a report",
     "AMD 56860, MSG_REPORT_REQ"},
};

constexpr FieldRule kTdx[] = {
    {"RAM size", host,
     "memory that is not launched is added by the host (TDH.MEM.PAGE.AUG) and accepted by the guest",
     "Intel 348551, TDG.MEM.PAGE.ACCEPT"},
    {"vCPU count", host, "TD_PARAMS.MAX_VCPUS and as many TDH.VP.INIT as the host likes",
     "Intel 348551, TD_PARAMS"},
    {"registers", fixed, "each vCPU starts in the module's initial state; MRTD has no register",
     "Intel 348551, TDH.VP.INIT"},
    {"initial RCX and R8", host, "one value that the host gives to TDH.VP.INIT, in no report",
     "Intel 348551, TDH.VP.INIT"},
    {"order of operations", measured,
     "MRTD is one hash over TDH.MEM.PAGE.ADD and TDH.MR.EXTEND as they come; loaders are taken to keep the "
     "order of the file",
     "Intel 348549, MRTD"},
    {"CPUID", host, "TD_PARAMS.CPUID_CONFIG, as far as the module lets it be chosen; in no report",
     "Intel 348551, TD_PARAMS"},
    {"devices", host, "what the guest is told of them may be in measured pages; how they behave is not",
     "Intel 348549"},
    {"policy", host, "TD_PARAMS.ATTRIBUTES (debugging among them) and XFAM; the report has both",
     "Intel 348551, TDINFO_STRUCT"},
    {"ID block", absent, "SEV-SNP's; here MROWNER and MROWNERCONFIG say who owns the guest", ""},
    {"host data", host, "MRCONFIGID, MROWNER and MROWNERCONFIG of TD_PARAMS; the report has all three",
     "Intel 348551, TDINFO_STRUCT"},
    {"run-time registers", unmeasured, "RTMR0 to RTMR3 start at zero and are the guest's to extend",
     "Intel 348551, TDG.MR.RTMR.EXTEND"},
    {"secrets", absent, "only SEV-SNP has a page of them", ""},
    {"time", host, "the module virtualises the TSC at TD_PARAMS.TSC_FREQUENCY, which is in no report",
     "Intel 348551, TD_PARAMS"},
    {"shared GPA boundary", host, "the width of guest addresses comes with TD_PARAMS; in no report",
     "Intel 348551, TD_PARAMS"},
    {"module and processor", host, "the report has them as MRSEAM and TEE_TCB_SVN",
     "Intel 348551, TDREPORT_STRUCT"},
    {"report data", unmeasured, "64 bytes that the guest chooses when it asks for a report",
     "Intel 348551, TDG.MR.REPORT"},
};

constexpr FieldRule kVbs[] = {
    {"RAM size", host, "REQUIRED_MEMORY is no chunk of the digest", "igvm vbs.rs"},
    {"vCPU count", host, "the registers of each vCPU in the file are measured, how many run is not",
     "igvm vbs.rs"},
    {"order of operations", measured, "each chunk is chained to the digest before it, registers last",
     "igvm vbs.rs"},
    {"CPUID", host, "the hypervisor's", "igvm vbs.rs"},
    {"devices", host, "what the guest is told of them may be in measured pages; how they behave is not",
     "igvm vbs.rs"},
    {"policy", unmeasured, "policy_flags of a VBS_MEASUREMENT header, which is signed and no chunk",
     "igvm vbs.rs"},
    {"ID block", absent, "SEV-SNP's; here a VBS_MEASUREMENT header says who signed", ""},
    {"host data", absent, "the digest's definition has none", "igvm vbs.rs"},
    {"secrets", absent, "only SEV-SNP has a page of them", ""},
    {"time", host, "the hypervisor's", "igvm vbs.rs"},
};

}  // namespace

std::span<const FieldRule> field_rules(LaunchPlatform platform) {
  switch (platform) {
    case LaunchPlatform::native:
      return kNative;
    case LaunchPlatform::vbs:
      return kVbs;
    case LaunchPlatform::snp:
      return kSnp;
    case LaunchPlatform::tdx:
      break;
  }
  return kTdx;
}

}  // namespace tintype
