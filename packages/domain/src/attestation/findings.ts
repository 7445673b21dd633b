/** What a finding means to an operator. */
export interface FindingFacts {
  /** The attack that it stops, or the difference that it tells. */
  readonly stops: string;
  /** What to do about it. */
  readonly advice: string;
}

const compromised = 'treat the host as broken into: this does not happen by accident';
const restored =
  'if the TPM was cleared or its state restored on purpose: vouchsafe ek forget-boots EK; otherwise look at the TPM';
const rebooted = 'reboot the host; if it comes back, reinstall its agent and look at its TPM';

/**
 * Every finding that a verdict can hold, by id. Documentation and default advice come from here. Findings of rules
 * (`rule.ID`) and of known peculiarities (`quirk.ID`) stand in the tables of rules and quirks.
 */
export const findings = {
  // The quote: that this TPM says something, now, to us.
  'ak.attributes': { stops: 'an unrestricted or exportable key signs a forged quote', advice: compromised },
  'quote.signature': {
    stops: 'a quote signed by the AK of another host, or not signed at all',
    advice: compromised,
  },
  'quote.magic': { stops: 'a structure that was not made inside a TPM', advice: compromised },
  'quote.type': { stops: 'another attestation structure passed off as a quote', advice: compromised },
  'quote.extra-data': {
    stops: 'a replayed quote, a nonce of another host, a TPM without this EK, exchanged keys',
    advice: 'attest again; if it comes back, treat the host as broken into',
  },
  'quote.selection': { stops: 'a quote over other PCRs, or none', advice: 'update the agent of the host' },
  'quote.digest': { stops: 'PCR values that the quote does not cover', advice: 'attest again' },
  'claims.keys': {
    stops: 'a released key that is sealed to a point off its curve',
    advice: 'update the agent of the host; if it is the one of this release, treat the host as broken into',
  },
  'evidence.held': {
    stops: 'a reference to the log of another host, of an earlier boot or policy, instead of the log itself',
    advice: 'nothing: the agent sends its logs by itself',
  },
  'challenge.once': { stops: 'the same evidence handed in twice', advice: 'attest again' },
  'tpm.clock': {
    stops: 'an old copy of the state of a virtual TPM: within one boot the clock of a TPM only goes forward',
    advice: restored,
  },
  'tpm.clock-unsafe': {
    stops: 'a claim that the clock only goes forward, after a loss of power',
    advice: 'nothing: the TPM was not shut down in order, and says so itself for up to 70 minutes',
  },
  'ak.hierarchy': {
    stops: 'a key under the name of the attestation key that stands elsewhere in the TPM, or in another one',
    advice: compromised,
  },
  'tpm.boot-identity': {
    stops:
      'a TPM that was switched on less often than it said before: another one, an old copy, or one that was cleared',
    advice: restored,
  },
  'tpm.resumed': {
    stops: 'nothing: the host was suspended or hibernated since it attested last',
    advice: 'to accept full boots only: require_full_boot',
  },
  'tpm.full-boot': {
    stops: 'a host that was suspended or hibernated, where the settings ask for full boots',
    advice: 'reboot the host, or unset require_full_boot',
  },
  'tpm.new-ak': {
    stops: 'a second attestation key of one TPM, whose counters would hide that the TPM went back',
    advice: 'after a change of agent: vouchsafe ek forget-boots EK; otherwise look at what speaks for this TPM',
  },
  'tpm.reset-under-kernel': {
    stops: 'a TPM that was reset under a running system, into which the golden boot was then replayed',
    advice: 'reboot the host; a host that hibernates does this too',
  },
  'tpm.kernel-without-reset': {
    stops: 'a kernel that was started by kexec, which the TPM cannot see',
    advice: 'reboot the host; forbid kexec by lockdown',
  },

  // The TPM and its host: whose it is.
  'ek.template': { stops: 'an unrestricted decryption key passed off as EK', advice: 'vouchsafe host check' },
  'ek.certificate': {
    stops: 'a software TPM, or a TPM of a maker that is not trusted',
    advice: 'import the CA of this TPM maker, or list the endorsement key',
  },
  'ek.revoked': {
    stops: 'a TPM, or an authority above it, whose certificate was revoked',
    advice: 'vouchsafe tpm-ca crl list; a revoked TPM is replaced, not approved',
  },
  'ek.revocation-unknown': {
    stops: 'nothing by itself: a revocation since the last list would go unnoticed',
    advice: 'vouchsafe tpm-ca update, or vouchsafe tpm-ca crl add FILE',
  },
  'ek.expired': {
    stops: 'a certificate whose time is over, of a TPM that nobody vouches for',
    advice: 'approve the endorsement key by hand, or set expired_certificates',
  },
  'ek.weak': {
    stops: 'an endorsement key that can be guessed or computed',
    advice: 'let the TPM make another EK, or replace the TPM',
  },
  'ek.roca': {
    stops: 'an endorsement key whose private half follows from its public one (CVE-2017-15361)',
    advice: 'update the firmware of the TPM, clear it, and approve its new endorsement key',
  },
  'ak.weak': { stops: 'an attestation key that can be guessed or computed', advice: 'restart the agent of the host' },
  'ak.roca': {
    stops: 'an attestation key whose private half follows from its public one (CVE-2017-15361)',
    advice: 'update the firmware of the TPM, clear it, and approve its new endorsement key',
  },
  'ek.sign-only': {
    stops: 'the certificate of an AK passed off as one of an EK',
    advice: 'use the EK certificate of this TPM',
  },
  'ek.listed': { stops: 'a TPM whose key nobody listed', advice: 'add it to the endorsement keys' },
  'ek.virtual': {
    stops: 'the virtual TPM of a guest passed off as one of a host',
    advice: 'guests attest to their owners, not here',
  },
  'identity.not-required': {
    stops: 'settings that ask for no identity of the TPM at all',
    advice: 'set require_certificate_validation or require_endorsement_keys',
  },
  'host.enrolled': {
    stops: 'a genuine TPM with the right measurements that nobody approved, or one that was revoked',
    advice: 'vouchsafe ek pending',
  },
  'host.not-enrolled': {
    stops: 'a genuine TPM with the right measurements that nobody approved',
    advice: 'vouchsafe ek pending',
  },
  'host.revoked': {
    stops: 'a host that was taken out',
    advice: 'delete the endorsement key before it is approved again',
  },
  'tpm.firmware': {
    stops: 'a TPM whose firmware has a known fault',
    advice: 'update the firmware of the TPM; vouchsafe ek blocklist list',
  },
  'tpm.firmware-changed': {
    stops: 'firmware of a TPM that was exchanged without anybody knowing',
    advice: 'nothing, when somebody updated the TPM of this host; otherwise find out who did',
  },
  'ak.shared': {
    stops: 'one TPM under two names, or an endorsement key that signs as attestation key',
    advice: 'vouchsafe host list: a TPM is one host; approve all its endorsement keys under one name',
  },
  'host.group': {
    stops: 'a host whose pinned group was exchanged',
    advice: 'pin the group of this Trust Authority in host.toml',
  },

  // The boot: what the log proves.
  'eventlog.replay': {
    stops: 'a changed, cut, reordered or foreign event log',
    advice: 'reboot the host; if it comes back, something extends PCRs without logging it',
  },
  'eventlog.banks': {
    stops: 'a SHA-256 bank that the firmware left empty and the operating system filled with a golden log',
    advice: 'see the finding of the bank',
  },
  'bank.empty': {
    stops: 'a bank that the firmware did not measure into, and so perhaps none',
    advice: 'update the firmware; which banks it measures into is set beside the TPM in its menu',
  },
  'bank.disagrees': {
    stops: 'another boot than the log tells, measured into a bank that is not looked at elsewhere',
    advice: compromised,
  },
  'bank.unlogged': {
    stops: 'a bank that the firmware measures into and keeps no log of',
    advice: 'switch the bank off in the menu of the firmware, or unset require_every_bank',
  },
  'bank.unquoted': {
    stops: 'a bank that would tell of another boot, and that the host keeps to itself',
    advice: 'update the agent of the host, or unset require_every_bank',
  },
  'eventlog.boot': {
    stops: 'a bank that the firmware left empty, or a boot with an error',
    advice: 'look at the firmware: is the SHA-256 bank active, did it report an error?',
  },
  'eventlog.facts': { stops: 'a log from which no facts can be taken', advice: rebooted },
  'eventlog.data-mismatch': {
    stops: 'a log whose texts were changed, though its digests were not',
    advice: 'update the firmware; if it always logs this, accept it: rule eventlog.quirks, data-mismatch',
  },
  'eventlog.spec-id': {
    stops: 'a second log header, behind which a parser could read other events',
    advice: 'update the firmware',
  },
  'secure-boot.ambiguous': {
    stops: 'a variable of Secure Boot that was measured twice, so that nothing is known of it',
    advice: 'update the firmware',
  },
  'secure-boot.late': {
    stops: 'a variable of Secure Boot that was measured after the firmware had ended',
    advice: 'update the firmware',
  },
  'secure-boot.unexplained': {
    stops: 'a measurement among those of Secure Boot that nothing explains',
    advice: 'update the firmware',
  },
  'uki.sections': {
    stops: 'measurements of a kernel image that are no pairs of name and content',
    advice: 'see what else extends PCR 11',
  },
  'ima.replay': {
    stops: 'a shortened or changed IMA log, or one that claims to begin elsewhere',
    advice: 'reboot the host; if it comes back, something extends PCR 10 without logging it',
  },
  'ima.shrunk': { stops: 'an IMA log that lost entries which this boot had before', advice: rebooted },
  'ima.send-log': {
    stops: 'an IMA log whose beginning nobody here knows',
    advice: 'attest again: the agent sends the whole log when it is asked for it',
  },
  'ima.boot-aggregate': {
    stops: 'an IMA log that began in another boot',
    advice: 'reboot the host without kexec',
  },

  // The software: whether it is ours.
  'image.none': {
    stops: 'trust without any base image that counts',
    advice: 'vouchsafe image list; vouchsafe image activate NAME, or vouchsafe image import FILE --activate',
  },
  'image.mixed': {
    stops: 'the firmware of one image with the boot of another, which nobody tried together',
    advice: 'vouchsafe image compose NAME --firmware IMAGE --boot IMAGE',
  },
  'image.minimum': {
    stops: 'a downgrade to a kernel that was trusted once',
    advice: 'update the host; vouchsafe image minimums shows what is asked for',
  },
  'sbat.minimum': {
    stops: 'a boot that still starts a shim or GRUB with known holes',
    advice: 'update shim on the host, which raises the SBAT level at the next boot',
  },
  'dbx.minimum': {
    stops: 'a boot that still starts programs that were revoked',
    advice: 'update dbx on the host: fwupdmgr update',
  },
  'image.staged': {
    stops: 'nothing: the boot would be trusted if this image were active',
    advice: 'vouchsafe image activate NAME',
  },
  'image.retired': {
    stops: 'a boot that was trusted once and is no more',
    advice: 'bring the host to a newer boot; vouchsafe image activate NAME takes the retirement back',
  },
  'image.expired': {
    stops: 'a boot whose time is over',
    advice: 'bring the host to a newer boot, or import the image anew with a later end',
  },
  'image.not-yet-valid': {
    stops: 'a boot whose time has not come',
    advice: 'wait, or import the image anew with an earlier beginning',
  },
  'image.match': {
    stops: 'another firmware, loader, kernel, initrd or command line than a trusted one',
    advice:
      'was it an update that you wanted? capture an image of it and import that; otherwise treat the host as broken into',
  },
  'ima.files': {
    stops: 'a changed or foreign program on the disk of a host whose boot is a trusted one',
    advice: 'see the findings beside it',
  },
  'ima.list-missing': {
    stops: 'a base image whose list of files is not here',
    advice: 'vouchsafe ima list import FILE',
  },
  'ima.unknown-file': {
    stops: 'a file that was executed, or read by root, and is in no list of the image',
    advice: 'if it belongs there, add it to a list or exclude it; otherwise treat the host as broken into',
  },
  'ima.changed-file': {
    stops: 'a file with another content than the lists of the image allow',
    advice: 'after an update, make the list anew and import it; otherwise treat the host as broken into',
  },
  'ima.weak-digest': {
    stops: 'a file measured with a hash for which anybody finds a second file',
    advice: 'boot with ima_hash=sha256',
  },
  'ima.violation': {
    stops: 'a file that was written while it was in use, so that its measurement means nothing',
    advice: 'exclude it if it is a log or a database, or set violations to warn',
  },
  'ima.kexec': {
    stops: 'another kernel that was loaded with kexec',
    advice: 'reboot the host; forbid kexec with lockdown=integrity',
  },
  'ima.buffer': {
    stops: 'a key or other data that the kernel measured and no list names',
    advice: 'if it belongs there, set buffers to warn',
  },
  'ima.unreadable': {
    stops: 'an entry that hides its digest or its name behind another template',
    advice: 'boot with ima_template=ima-ng or ima-sig',
  },
  'agent.measured': {
    stops: 'a changed agent, which would hand on every key that it gets',
    advice: 'install the agent that the image names, or capture an image with this one',
  },
  'agent.unnamed': {
    stops: 'nothing: the image names no agent, so another one may run beside it',
    advice: 'capture the image anew, with the agent as a single executable',
  },
  'image.difference': {
    stops: 'a refusal that names hashes only: how the boot departs from the nearest base image, in words',
    advice: 'vouchsafe host explain NAME',
  },
  'image.normalised': {
    stops: 'a refusal because of what changes from boot to boot',
    advice: 'nothing; rules decide what is ignored: vouchsafe rules list',
  },
  'boot.rules': {
    stops: 'a boot that breaks a rule of the administrator',
    advice: 'vouchsafe rules list',
  },

  // Evidence that was kept: whether its verdict still stands.
  'bundle.differs': {
    stops: 'a recorded verdict that the checks of this version do not come to',
    advice: 'repeat it with the version of that day; if both hold, report it: the checks have changed',
  },
  'bundle.reasons': {
    stops: 'a verdict that stands for other reasons than those that were recorded',
    advice: 'compare both lists of findings: newer versions see more, and name it otherwise',
  },
} as const satisfies Record<string, FindingFacts>;

/** Name of a finding: a row of the table, or one of a rule or a known peculiarity. */
export type FindingId = keyof typeof findings | `rule.${string}` | `quirk.${string}`;

/** The facts of a finding; undefined for those of rules and peculiarities. */
export const findingFacts = (id: FindingId): FindingFacts | undefined =>
  (findings as Readonly<Record<string, FindingFacts | undefined>>)[id];
