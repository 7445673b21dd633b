/** One response code: its name without `TPM_RC_` and what to do about it. */
interface Row {
  readonly name: string;
  readonly advice?: string;
}

const startup = 'the TPM awaits TPM2_Startup';
const slots = 'flush transient objects, or use the resource manager (/dev/tpmrm0)';
const sessionSlots = 'flush sessions, or use the resource manager (/dev/tpmrm0)';
const lockout = 'wait for the lockout to expire, or reset it with the lockout authorization';
const retry = 'send the command again';
const authorization = 'give the right authorization value';

/** Part 2, 6.6.3: format-zero codes by their low seven bits (TPM_RC_VER1). */
export const version1: Readonly<Record<number, Row>> = {
  0: { name: 'INITIALIZE', advice: startup },
  1: { name: 'FAILURE', advice: 'the TPM is in failure mode: power-cycle the machine' },
  3: { name: 'SEQUENCE' },
  11: { name: 'PRIVATE' },
  25: { name: 'HMAC' },
  32: { name: 'DISABLED', advice: 'enable the hierarchy or command in the firmware' },
  33: { name: 'EXCLUSIVE' },
  36: { name: 'AUTH_TYPE' },
  37: { name: 'AUTH_MISSING', advice: 'the command needs an authorization session' },
  38: { name: 'POLICY' },
  39: { name: 'PCR' },
  40: { name: 'PCR_CHANGED', advice: 'a PCR changed after PolicyPCR: start the policy session again' },
  45: { name: 'UPGRADE' },
  46: { name: 'TOO_MANY_CONTEXTS' },
  47: { name: 'AUTH_UNAVAILABLE', advice: 'the entity can be used by policy only' },
  48: { name: 'REBOOT', advice: 'reboot the machine' },
  49: { name: 'UNBALANCED' },
  66: { name: 'COMMAND_SIZE' },
  67: { name: 'COMMAND_CODE', advice: 'the TPM does not implement the command' },
  68: { name: 'AUTHSIZE' },
  69: { name: 'AUTH_CONTEXT' },
  70: { name: 'NV_RANGE' },
  71: { name: 'NV_SIZE' },
  72: { name: 'NV_LOCKED' },
  73: { name: 'NV_AUTHORIZATION' },
  74: { name: 'NV_UNINITIALIZED' },
  75: { name: 'NV_SPACE', advice: 'undefine unused NV indices or evict persistent objects' },
  76: { name: 'NV_DEFINED' },
  80: { name: 'BAD_CONTEXT' },
  81: { name: 'CPHASH' },
  82: { name: 'PARENT' },
  83: { name: 'NEEDS_TEST' },
  84: { name: 'NO_RESULT' },
  85: { name: 'SENSITIVE' },
};

/** Part 2, 6.6.3: format-zero warnings by their low seven bits (TPM_RC_WARN). */
export const warnings: Readonly<Record<number, Row>> = {
  1: { name: 'CONTEXT_GAP' },
  2: { name: 'OBJECT_MEMORY', advice: slots },
  3: { name: 'SESSION_MEMORY', advice: sessionSlots },
  4: { name: 'MEMORY', advice: slots },
  5: { name: 'SESSION_HANDLES', advice: sessionSlots },
  6: { name: 'OBJECT_HANDLES', advice: slots },
  7: { name: 'LOCALITY' },
  8: { name: 'YIELDED', advice: retry },
  9: { name: 'CANCELED' },
  10: { name: 'TESTING', advice: retry },
  16: { name: 'REFERENCE_H0', advice: 'the first handle names nothing that is loaded' },
  17: { name: 'REFERENCE_H1', advice: 'the second handle names nothing that is loaded' },
  18: { name: 'REFERENCE_H2' },
  19: { name: 'REFERENCE_H3' },
  20: { name: 'REFERENCE_H4' },
  21: { name: 'REFERENCE_H5' },
  22: { name: 'REFERENCE_H6' },
  24: { name: 'REFERENCE_S0', advice: 'the first session names nothing that is loaded' },
  25: { name: 'REFERENCE_S1' },
  26: { name: 'REFERENCE_S2' },
  27: { name: 'REFERENCE_S3' },
  28: { name: 'REFERENCE_S4' },
  29: { name: 'REFERENCE_S5' },
  30: { name: 'REFERENCE_S6' },
  32: { name: 'NV_RATE', advice: retry },
  33: { name: 'LOCKOUT', advice: lockout },
  34: { name: 'RETRY', advice: retry },
  35: { name: 'NV_UNAVAILABLE', advice: retry },
};

/** Part 2, 6.6.3: format-one codes by their low six bits (TPM_RC_FMT1). */
export const format1: Readonly<Record<number, Row>> = {
  1: { name: 'ASYMMETRIC' },
  2: { name: 'ATTRIBUTES' },
  3: { name: 'HASH' },
  4: { name: 'VALUE' },
  5: { name: 'HIERARCHY', advice: 'the hierarchy is disabled or the wrong one' },
  7: { name: 'KEY_SIZE' },
  8: { name: 'MGF' },
  9: { name: 'MODE' },
  10: { name: 'TYPE' },
  11: { name: 'HANDLE', advice: 'the handle names nothing of the right kind' },
  12: { name: 'KDF' },
  13: { name: 'RANGE' },
  14: { name: 'AUTH_FAIL', advice: authorization },
  15: { name: 'NONCE' },
  16: { name: 'PP', advice: 'the command needs physical presence' },
  18: { name: 'SCHEME' },
  21: { name: 'SIZE' },
  22: { name: 'SYMMETRIC' },
  23: { name: 'TAG' },
  24: { name: 'SELECTOR' },
  26: { name: 'INSUFFICIENT' },
  27: { name: 'SIGNATURE' },
  28: { name: 'KEY' },
  29: { name: 'POLICY_FAIL', advice: 'the policy does not hold now, for instance because a PCR changed' },
  31: { name: 'INTEGRITY', advice: 'the blob is not of this TPM or of this key' },
  32: { name: 'TICKET' },
  33: { name: 'RESERVED_BITS' },
  34: { name: 'BAD_AUTH', advice: authorization },
  35: { name: 'EXPIRED' },
  36: { name: 'POLICY_CC' },
  37: { name: 'BINDING' },
  38: { name: 'CURVE' },
  39: { name: 'ECC_POINT' },
};

/** A response code taken apart. */
export interface ResponseCode {
  /** As the specification spells it, `TPM_RC_VALUE`; `TPM_RC_0x123` when it has no name. */
  readonly name: string;
  /** What the code is about, counted from 1: `parameter 2`, `handle 1`, `session 1`. */
  readonly subject?: string;
  /** What to do about it. */
  readonly advice?: string;
}

const known = (table: Readonly<Record<number, Row>>, key: number, rc: number): ResponseCode => {
  const row = table[key];
  return row === undefined ? { name: `TPM_RC_0x${rc.toString(16)}` } : { ...row, name: `TPM_RC_${row.name}` };
};

/**
 * Takes a response code apart (Part 2, 6.6.2): bit 7 says the format, and in format one bit 6 and bits 8 to 11
 * say which parameter, handle or session is meant.
 */
export function responseCode(rc: number): ResponseCode {
  if (rc === 0x1e) return { name: 'TPM_RC_BAD_TAG', advice: 'this is a TPM 1.2' };
  if ((rc & 0x80) !== 0) return { ...known(format1, rc & 0x3f, rc), ...subject(rc) };
  if ((rc & 0x500) === 0x100) return known((rc & 0x800) === 0 ? version1 : warnings, rc & 0x7f, rc);
  return known((rc & 0x800) === 0 ? {} : warnings, rc & 0x7f, rc);
}

function subject(rc: number): { subject?: string } {
  const n = (rc >> 8) & 0xf;
  if ((rc & 0x40) !== 0) return { subject: `parameter ${n}` };
  if (n === 0) return {};
  return { subject: n < 8 ? `handle ${n}` : `session ${n - 8}` };
}
