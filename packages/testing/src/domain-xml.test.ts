import assert from 'node:assert/strict';
import { test } from 'node:test';
import { domainXml, type GuestDomain } from './domain-xml.ts';

const plain: GuestDomain = {
  name: 'a & "b" <c>',
  uuid: '3c1c2f0e-4a39-4d3f-8ff0-2f3f0a2a4f11',
  boot: { kernel: '/boot/vmlinuz', initrd: "/boot/initrd'1" },
  disk: { path: '/images/a.raw' },
  serialLog: '/logs/a.log',
};

test('optional parts stand only where they are asked for', () => {
  const xml = domainXml(plain);
  for (const word of ['<encryption', '<tpm', "device='cdrom'", '<metadata>']) assert.ok(!xml.includes(word), word);
  const secret = '11111111-2222-3333-4444-555555555555';
  const full = domainXml({
    ...plain,
    disk: { path: '/a', secret },
    tpm: { secret },
    cdrom: '/cd.iso',
    metadata: '<m/>',
  });
  assert.equal(full.split(secret).length, 3);
  for (const word of ["format='luks'", '<tpm', "device='cdrom'", '<metadata><m/></metadata>']) {
    assert.ok(full.includes(word), word);
  }
});

test('text is escaped', () => {
  const xml = domainXml(plain);
  assert.ok(xml.includes('<name>a &amp; &quot;b&quot; &lt;c&gt;</name>'));
  assert.ok(xml.includes('<initrd>/boot/initrd&apos;1</initrd>'));
});
