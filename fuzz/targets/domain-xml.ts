import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeDomain } from '@vouchsafe/domain/profile/description';
import { diffProfiles } from '@vouchsafe/domain/profile/diff';
import { withEncryption } from '@vouchsafe/domain/profile/edit';
import { ProfileError } from '@vouchsafe/domain/profile/error';
import { codeFiles, parseProfile, profileText, securityProfile } from '@vouchsafe/domain/profile/profile';
import { bytesOf, jsonWords, type MakeTargets, oneOfClasses, text, wordsOf } from '../target.ts';

const folder = join(import.meta.dirname, '../../packages/domain/src/profile/testdata/libvirt-9.0');
const samples = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.xml'))
  .toSorted()
  .map((name) => readFileSync(join(folder, name)));
const words = wordsOf(
  '<disk>',
  '</disk>',
  '<a>'.repeat(120),
  '<!--',
  '-->',
  '<![CDATA[',
  ']]>',
  '<?xml version="1.1"?>',
  '<!DOCTYPE d [<!ENTITY e "e">]>',
  '&lt;',
  '&#0;',
  '&e;',
  ' xmlns="urn:x"',
  ' xmlns:vs="urn:vouchsafe:keysafe:1"',
  '<vs:keysafe>',
  '\ufffe',
);
const uuid = '00000000-0000-4000-8000-000000000001';
const refuses = oneOfClasses(ProfileError);

/** Domain XML as the hook hands it over: described, bound to, rewritten and read again; and profiles as text. */
export const make: MakeTargets = () => {
  const golden = securityProfile(text(samples[0]!)).profile;
  return [
    {
      name: 'domain-xml',
      samples,
      words,
      run(bytes) {
        const xml = text(bytes);
        codeFiles(xml);
        const { profile } = securityProfile(xml);
        parseProfile(profileText(profile));
        diffProfiles(golden, profile);
        const { disks } = describeDomain(xml);
        const edited = {
          disks: disks.slice(0, 1).map(({ target }) => ({ target, secretUuid: uuid })),
          keysafe: '{"v":1}',
        };
        describeDomain(withEncryption(xml, edited));
      },
      refuses,
    },
    {
      name: 'profile-text',
      samples: [bytesOf(profileText(golden))],
      words: jsonWords,
      run: (bytes) => diffProfiles(golden, parseProfile(text(bytes))),
      refuses,
    },
  ];
};
