import { addressText } from '../../config/address.ts';
import { type Check, checks } from './checks.ts';
import { type Examination, Patient } from './patient.ts';
import { Ailment, type CheckResult, type Diagnosis, type Verdict, verdictOf } from './report.ts';

/**
 * Plays the conversation of a vCenter with a key server, one connection for each act, and says what is missing. What it
 * makes it destroys again, as far as the server lets it.
 *
 * @param progress told of each check as it ends
 */
export async function examine(
  examination: Examination,
  progress: (result: CheckResult) => void = () => {},
): Promise<Diagnosis> {
  const patient = new Patient(examination);
  const results: CheckResult[] = [];
  const grave: Verdict[] = [];
  try {
    for (const check of checks) {
      const { result, verdict } = await look(check, patient, results);
      results.push(result);
      if (verdict !== undefined) grave.push(verdict);
      progress(result);
      // Nothing is sent to a server that is not the one that was meant.
      if (verdict === 'untrusted') break;
    }
  } finally {
    patient.end();
  }
  const server = addressText(examination.server);
  return { server, verdict: verdictOf(results, grave), checks: results, left: [...patient.made] };
}

async function look(
  { id, title, weight, after, run }: Check,
  patient: Patient,
  before: readonly CheckResult[],
): Promise<{ result: CheckResult; verdict?: Verdict }> {
  const lacks = after.find((each) => before.find((other) => other.id === each)?.status !== 'ok');
  if (lacks !== undefined) return { result: { id, title, status: 'skipped', detail: `${lacks} did not pass` } };
  try {
    return { result: { id, title, status: 'ok', detail: (await run(patient)) ?? '' } };
  } catch (error) {
    const { message, advice, verdict } =
      error instanceof Ailment ? error : new Ailment((error as Error).message, 'the answer cannot be read as KMIP 1.1');
    const untrusted = verdict === 'untrusted';
    if (weight === 'wanted' && !untrusted) return { result: { id, title, status: 'warning', detail: message, advice } };
    return { result: { id, title, status: 'failed', detail: message, advice }, verdict };
  }
}
