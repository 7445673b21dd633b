import type { TestEvent } from 'node:test/reporters';

/** A reporter that writes how many tests passed, failed and were skipped, as JSON. */
export default async function* counts(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counted = { passed: 0, failed: 0, skipped: 0 };
  for await (const event of events) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    if (event.data.details.type === 'suite') continue;
    if (event.data.skip !== undefined || event.data.todo !== undefined) counted.skipped++;
    else if (event.type === 'test:pass') counted.passed++;
    else counted.failed++;
  }
  yield JSON.stringify(counted);
}
