import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoaderText } from '@vouchsafe/eventlog/facts/loader';
import type { ProvenFacts } from '@vouchsafe/eventlog/proven';
import { coverageOf } from './capture.ts';

const rootHash = `roothash=${'a'.repeat(64)}`;

/** What a boot covers whose loader measured this text, with or without an initial file system. */
function userspace(role: LoaderText['role'], text: string, roles = ['linuxInitrd']) {
  const facts = {
    separators: new Map(),
    bootApplications: [],
    ukiSections: [],
    objects: roles.map((each) => ({ value: { role: each } })),
    loaderTexts: [{ value: { role, text } }],
  };
  return coverageOf(facts as unknown as ProvenFacts).userspace;
}

test('a root hash on the command line of the kernel, which a measured initial file system acts upon, covers userspace', () => {
  assert.equal(userspace('commandLine', `root=/dev/mapper/root ${rootHash} quiet`), 'verity');
  assert.equal(userspace('grubKernelCommandLine', `/vmlinuz systemd.verity_root_${rootHash.slice(4)}`, []), 'verity');
});

test('a root hash that nothing acts upon covers nothing', () => {
  assert.equal(userspace('grubCommand', `echo ${rootHash}`), 'none', 'a command of the loader');
  assert.equal(userspace('grubModuleCommandLine', rootHash), 'none', 'the command line of a module');
  assert.equal(userspace('commandLine', rootHash, []), 'none', 'no initial file system is covered');
  assert.equal(userspace('commandLine', `x${rootHash}`), 'none', 'another word');
  assert.equal(userspace('commandLine', `${rootHash}a`), 'none', 'another length');
});
