import { keyServerContract } from '@vouchsafe/kmip/testing/contract';
import { kmsFixture } from './testing/fixture.ts';

keyServerContract('embedded key server', async () => {
  const fixture = await kmsFixture();
  const client = fixture.client(await fixture.addClient('one'));
  const stranger = fixture.client(await fixture.addClient('two'));
  return { client, stranger, close: fixture.close };
});
