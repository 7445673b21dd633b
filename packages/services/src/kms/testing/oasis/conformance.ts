import { join } from 'node:path';
import { type OasisCase, oasisCases } from '@vouchsafe/kmip/testing/oasis';
import { type Outcome, play } from './player.ts';
import { oasisServer } from './target.ts';

/** A case and how it ended. */
export interface Played {
  readonly version: string;
  readonly name: string;
  readonly outcome: Outcome;
}

/** Cases that go on with what an earlier one of the same set left: those of storage arrays and of tape libraries. */
const sets = /^(SASED|TL)[-_]/;

const setOf = ({ version, name }: OasisCase): string => {
  const set = sets.exec(name)?.[1];
  return `${version} ${set ?? name}`;
};

/** Plays every case of the corpus, each set of cases as a client of its own. */
export async function playAll(corpus: string, only = /./): Promise<Played[]> {
  const server = await oasisServer();
  try {
    const played: Played[] = [];
    const cases = oasisCases(join(corpus, 'kmip')).filter(({ version, name }) => only.test(`${version} ${name}`));
    for (const [set, members] of Object.entries(Object.groupBy(cases, setOf))) {
      using target = await server.target(set.replace(/[^\w.-]/g, '-').slice(0, 60));
      const made = new Set<string>();
      for (const each of members!)
        played.push({ version: each.version, name: each.name, outcome: await play(each, target, made) });
    }
    return played;
  } finally {
    await server.close();
  }
}
