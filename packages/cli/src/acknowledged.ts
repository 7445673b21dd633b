import { Problem } from '@vouchsafe/domain/problem';
import type { Acknowledgements } from '@vouchsafe/services/host/operations/acknowledgements';
import type { Command } from 'commander';
import { callPart } from './context.ts';
import { say } from './output.ts';

/**
 * After something was taken away: waits until every Trust Authority host of the group obeys, and says which do.
 * @throws {Problem} `member.silent` when some do not: it leaves with 2
 */
export async function awaitAcknowledgements(command: Command): Promise<void> {
  tellAcknowledgements((await callPart(command, 'host', 'GET', '/host/group/acknowledgements')) as Acknowledgements);
}

/** Says which members obey. @throws {Problem} `member.silent` when some do not */
export function tellAcknowledgements({ acknowledged, silent }: Acknowledgements): void {
  if (acknowledged.length > 0) say(`in effect on ${acknowledged.join(', ')}`);
  if (silent.length === 0) return;
  const each = silent.map(({ name, reason }) => `${name} (${reason})`);
  throw new Problem('member.silent', each.join('; '), { data: { acknowledged, silent } });
}
