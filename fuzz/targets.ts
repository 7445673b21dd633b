import type { MakeTargets, Target } from './target.ts';

/** The files of targets by name. */
const files: Readonly<Record<string, () => Promise<{ readonly make: MakeTargets }>>> = {
  eventlog: () => import('./targets/eventlog.ts'),
  ima: () => import('./targets/ima.ts'),
  'ima-lists': () => import('./targets/ima-lists.ts'),
  tpm2: () => import('./targets/tpm2.ts'),
  certificate: () => import('./targets/certificate.ts'),
  kmip: () => import('./targets/kmip.ts'),
  luks: () => import('./targets/luks.ts'),
  tokens: () => import('./targets/tokens.ts'),
  saml: () => import('./targets/saml.ts'),
  'evidence-bundle': () => import('./targets/evidence-bundle.ts'),
  'key-safe': () => import('./targets/key-safe.ts'),
  attestation: () => import('./targets/attestation.ts'),
  verdict: () => import('./targets/verdict.ts'),
  group: () => import('./targets/group.ts'),
  'center-keys': () => import('./targets/center-keys.ts'),
  release: () => import('./targets/release.ts'),
  'domain-xml': () => import('./targets/domain-xml.ts'),
  libvirt: () => import('./targets/libvirt.ts'),
  files: () => import('./targets/files.ts'),
};

/** Targets whose own name or whose file's name is among `names`; all of them without names. */
export async function targetsOf(names: readonly string[] = []): Promise<Target[]> {
  const chosen: Target[] = [];
  for (const [file, load] of Object.entries(files)) {
    const targets = await (await load()).make();
    chosen.push(...targets.filter(({ name }) => names.length === 0 || names.includes(file) || names.includes(name)));
  }
  return chosen;
}
