import assert from 'node:assert/strict';
import { test } from 'node:test';
import { responseCode } from './response-codes.ts';
import { TpmResponseError } from './response-error.ts';

// Part 2, 6.6, tables of response codes.
const table: [number, string, string | undefined][] = [
  [0x100, 'TPM_RC_INITIALIZE', undefined],
  [0x101, 'TPM_RC_FAILURE', undefined],
  [0x120, 'TPM_RC_DISABLED', undefined],
  [0x128, 'TPM_RC_PCR_CHANGED', undefined],
  [0x12f, 'TPM_RC_AUTH_UNAVAILABLE', undefined],
  [0x143, 'TPM_RC_COMMAND_CODE', undefined],
  [0x1c4, 'TPM_RC_VALUE', 'parameter 1'],
  [0x2d5, 'TPM_RC_SIZE', 'parameter 2'],
  [0x18b, 'TPM_RC_HANDLE', 'handle 1'],
  [0x28b, 'TPM_RC_HANDLE', 'handle 2'],
  [0x98e, 'TPM_RC_AUTH_FAIL', 'session 1'],
  [0x99d, 'TPM_RC_POLICY_FAIL', 'session 1'],
  [0x9a2, 'TPM_RC_BAD_AUTH', 'session 1'],
  [0x1df, 'TPM_RC_INTEGRITY', 'parameter 1'],
  [0x084, 'TPM_RC_VALUE', undefined],
  [0x902, 'TPM_RC_OBJECT_MEMORY', undefined],
  [0x903, 'TPM_RC_SESSION_MEMORY', undefined],
  [0x908, 'TPM_RC_YIELDED', undefined],
  [0x90a, 'TPM_RC_TESTING', undefined],
  [0x910, 'TPM_RC_REFERENCE_H0', undefined],
  [0x918, 'TPM_RC_REFERENCE_S0', undefined],
  [0x921, 'TPM_RC_LOCKOUT', undefined],
  [0x922, 'TPM_RC_RETRY', undefined],
  [0x01e, 'TPM_RC_BAD_TAG', undefined],
  [0x17f, 'TPM_RC_0x17f', undefined],
  [0xffffffff, 'TPM_RC_0xffffffff', 'parameter 15'],
];

test('Part 2, 6.6: response codes by name', () => {
  for (const [rc, name, subject] of table) {
    const { name: found, subject: about } = responseCode(rc);
    assert.deepEqual([found, about], [name, subject], `0x${rc.toString(16)}`);
  }
});

test('an error says command, code, subject and what to do', () => {
  assert.equal(new TpmResponseError('TPM2_Quote', 0x2d5).message, 'TPM2_Quote: TPM_RC_SIZE (0x2d5) for parameter 2');
  const memory = new TpmResponseError('TPM2_Load', 0x902);
  assert.equal(memory.rcName, 'TPM_RC_OBJECT_MEMORY');
  assert.match(memory.message, /^TPM2_Load: TPM_RC_OBJECT_MEMORY \(0x902\): flush transient objects/);
});
