import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem } from '@vouchsafe/domain/testing/problem';
import { sealOf } from '../seal/part-key.ts';
import { addressOf, addressText } from './address.ts';
import { parseHostConfig, readHostConfig } from './host.ts';

const group = 'g'.repeat(43);
const good = {
  role: '"trusted"',
  name: '"host-1"',
  state: '"/s"',
  run: '"/r"',
  listen: '"10.0.0.1:7443"',
  group: `"${group}"`,
};
const toml = (change: Record<string, string | undefined> = {}, more = '') =>
  `${Object.entries({ ...good, ...change })
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key} = ${value}`]))
    .join('\n')}\n${more}`;

test('a trusted host needs few lines; the rest has defaults', () => {
  const { agent, ...config } = parseHostConfig(toml());
  assert.deepEqual(config, {
    role: 'trusted',
    name: 'host-1',
    state: '/s',
    run: '/r',
    listen: '10.0.0.1:7443',
    group,
  });
  assert.deepEqual(agent, {
    tpm: '/dev/tpmrm0',
    event_log: '/sys/kernel/security/tpm0/binary_bios_measurements',
    command_line: '/proc/cmdline',
    ima_log: '/sys/kernel/security/ima/binary_runtime_measurements',
    ek: 'auto',
    libvirt: '/run/libvirt/libvirt-sock',
    qemu_state: '/var/lib/libvirt/qemu',
  });
  assert.equal(parseHostConfig(toml({}, '[agent]\ntpm = "unix:/x"')).agent?.tpm, 'unix:/x');
  assert.equal(parseHostConfig(toml({ role: '"trust-authority"', group: undefined })).agent, undefined);
});

const bad: [change: Record<string, string | undefined>, more: string, named: RegExp][] = [
  [{ role: '"other"' }, '', /role/],
  [{ role: undefined }, '', /role/],
  [{ name: '"host 1"' }, '', /name/],
  [{ name: '""' }, '', /name/],
  [{ name: '1' }, '', /name/],
  [{ state: '"relative"' }, '', /state/],
  [{ run: undefined }, '', /run/],
  [{ listen: '"7443"' }, '', /listen/],
  [{ listen: '"h:99999"' }, '', /listen/],
  [{ listen: '"::1:7443"' }, '', /listen/],
  [{ listen: '7443' }, '', /listen/],
  [{ url: '"http://h"' }, '', /url/],
  [{ url: '"https://h/"' }, '', /url/],
  [{ group: '"short"' }, '', /group/],
  [{ group: undefined }, '', /group: a trusted host must pin/],
  [{ bogus: '1' }, '', /bogus/],
  [{ agent: '"text"' }, '', /agent/],
  [{ agent: '[1]' }, '', /agent/],
  [{}, '[agent]\ntpm = "tpm0"', /agent\.tpm/],
  [{}, '[agent]\nlibvirt = 1', /agent\.libvirt/],
  [{}, '[agent]\nbogus = 1', /agent\.bogus/],
  [{}, '[other]\nx = 1', /other/],
];

test('a TPM in the file seals the keys of stores, unless it says otherwise', () => {
  const authority = { role: '"trust-authority"', group: undefined };
  const of = (more: Record<string, string> = {}) => sealOf(parseHostConfig(toml({ ...authority, ...more })));
  assert.deepEqual(of(), { seal: 'file', tpm: undefined });
  assert.deepEqual(of({ tpm: '"/dev/tpmrm0"' }), { seal: 'tpm', tpm: '/dev/tpmrm0' });
  assert.deepEqual(of({ tpm: '"/dev/tpmrm0"', seal: '"file"' }), { seal: 'file', tpm: '/dev/tpmrm0' });
  assert.throws(() => of({ seal: '"tpm"' }), problem('config.invalid', /tpm: seal = "tpm" needs/));
  assert.throws(() => of({ seal: '"hsm"' }), problem('config.invalid', /seal/));
  assert.deepEqual(sealOf(parseHostConfig(toml())), { seal: 'file', tpm: '/dev/tpmrm0' });
  assert.deepEqual(sealOf(parseHostConfig(toml({ seal: '"tpm"' }))), { seal: 'tpm', tpm: '/dev/tpmrm0' });
});

test('every bad key is named', () => {
  for (const [change, more, named] of bad) {
    const text = toml(change, more);
    assert.throws(() => parseHostConfig(text, 'host.toml'), problem('config.invalid', named), text);
    assert.throws(() => parseHostConfig(text, 'host.toml'), problem('config.invalid', /^host\.toml: /), text);
  }
});

test('text that is no TOML is refused with its line', () => {
  assert.throws(() => parseHostConfig('role = "trusted"\nname = \n'), problem('config.invalid', /line 2|2:|2 \|/));
  assert.throws(() => parseHostConfig('a = 1\na = 2'), problem('config.invalid'));
  assert.throws(() => parseHostConfig(toml({}, '[__proto__]\nx = 1')), problem('config.invalid'));
  assert.throws(() => readHostConfig('/nonexistent/host.toml'), problem('file.unreadable', /nonexistent/));
});

test('addresses are HOST:PORT or [IPv6]:PORT', () => {
  for (const text of ['127.0.0.1:0', 'a.example:65535', '[::1]:443', '[fe80::1.2.3.4]:1']) {
    assert.equal(addressText(addressOf(text)), text);
  }
  for (const text of ['', ':1', 'a', 'a:', 'a:b', 'a:65536', 'a:-1', '[::1]', '::1:1', '[]:1', 'a:1:2', '[a:1']) {
    assert.throws(() => addressOf(text), problem('input.invalid', /listen/), text);
  }
});
