import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { ImageSigner } from '@vouchsafe/domain/attestation/image-signature';
import { Problem } from '@vouchsafe/domain/problem';
import { Argument, type Command } from 'commander';
import { callPart, globalsOf } from '../../context.ts';
import { readInput, writeNew } from '../../files.ts';
import { print, say, type View } from '../../output.ts';

const path = '/attestation/os/image-signers';

const view: View<ImageSigner> = {
  columns: [
    ['name', ({ name }) => name],
    ['by', ({ by }) => by],
    ['since', ({ since }) => since],
    ['key', ({ key }) => key.replace(/-----[^-]+-----|\s/g, '')],
  ],
  name: ({ name }) => name,
  empty: 'no signer is listed: base images need no signature',
};

const maxKey = 64 * 1024;

/** `vouchsafe image sign` and `image signer`: who vouches for a base image. */
export function addSignatures(image: Command): void {
  image
    .command('sign <file>')
    .description('sign a base image with a key of yours (P-256 or Ed25519, PEM); writes FILE with the ending .jws')
    .requiredOption('--key <file>', 'private key, PEM, not encrypted; - reads standard input')
    .option('--out <file>', 'where to write the signature; must not exist')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe image sign debian-12.11.json --key release.pem\n  pass show release-key | vouchsafe image sign golden.json --key - --out golden.jws',
    )
    .action(async (file: string, { key, out }: { key: string; out?: string }) => {
      const { readImageFile } = await import('@vouchsafe/domain/attestation/image-file');
      const { signImageFile } = await import('@vouchsafe/domain/attestation/image-signature');
      const { verifyImage } = await import('@vouchsafe/domain/attestation/capture');
      const { signatureOf } = await import('../../image-file.ts');
      const octets = readInput(file);
      verifyImage(readImageFile(`base image ${file}`, octets).image);
      const to = out ?? signatureOf(file);
      writeNew(to, `${await signImageFile(octets, privateKeyOf(key))}\n`);
      say(`${to}: signature of ${file}; give both to \`vouchsafe image import\``);
    });
  const signer = image.command('signer').description('who may sign base images, on a Trust Authority host');
  signer
    .command('add <name> <key>')
    .description('list a signer by its public key (PEM); from the first one on, base images must be signed')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe image signer add release release.pub\n  openssl pkey -in release.pem -pubout | vouchsafe image signer add release -',
    )
    .action(async (name: string, file: string, _options, command: Command) => {
      const key = new TextDecoder().decode(readInput(file, maxKey));
      print(
        (await callPart(command, 'attestd', 'POST', path, { name, key })) as ImageSigner,
        view,
        globalsOf(command).output,
      );
    });
  signer
    .command('list')
    .description('list the signers of base images')
    .addHelpText('after', '\nExamples:\n  vouchsafe image signer list\n  vouchsafe image signer list -o name')
    .action(async (_options, command: Command) => {
      print((await callPart(command, 'attestd', 'GET', path)) as ImageSigner[], view, globalsOf(command).output);
    });
  signer
    .command('remove <name>')
    .description('strike a signer off; what is active stays so, what is staged cannot be activated any more')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe image signer remove release\n  vouchsafe image signer list -o name | xargs -n1 vouchsafe image signer remove',
    )
    .action(async (name: string, _options, command: Command) => {
      await callPart(command, 'attestd', 'DELETE', `${path}/${encodeURIComponent(name)}`);
      say(`${name} signs no more base images`);
    });
  image
    .command('signatures')
    .description(
      'show whether base images must be signed, or say so; unless it was said they must when a signer is listed',
    )
    .addArgument(new Argument('[which]', 'what to say').choices(['required', 'off']))
    .addHelpText('after', '\nExamples:\n  vouchsafe image signatures\n  vouchsafe image signatures required')
    .action(async (which: string | undefined, _options, command: Command) => {
      const at = '/attestation/os/image-settings';
      const settings =
        which === undefined
          ? await callPart(command, 'attestd', 'GET', at)
          : await callPart(command, 'attestd', 'PUT', at, { image_signature: which });
      print(settings as Settings, settingsView, globalsOf(command).output);
    });
}

interface Settings {
  readonly image_signature: string;
}

const settingsView: View<Settings> = {
  fields: [['signatures', ({ image_signature }) => image_signature]],
  name: ({ image_signature }) => image_signature,
};

function privateKeyOf(file: string): KeyObject {
  const pem = readInput(file, maxKey);
  try {
    return createPrivateKey({ key: Buffer.from(pem), format: 'pem' });
  } catch {
    // What OpenSSL says of a key may quote it.
    throw new Problem('input.malformed', `${file}: expected a private key, PEM, not encrypted`);
  } finally {
    pem.fill(0);
  }
}
