import { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import { jsonReader } from '@vouchsafe/domain/parse';

/** A base image from the bytes of its file. @throws {Problem} `input.malformed`, `input.invalid` naming the field */
export const readImage = (file: string, bytes: Uint8Array): BaseImage =>
  jsonReader(`base image ${file}`, BaseImage)(new TextDecoder().decode(bytes));
