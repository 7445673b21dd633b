import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';

const [data, sha256] = ['1.2.840.113549.1.7.1', '2.16.840.1.101.3.4.2.1'];

/** The octets of a backup that its MAC covers. */
export const contentOfBackup = (file: Uint8Array): Uint8Array =>
  new Uint8Array((pkijs.PFX.fromBER(Uint8Array.from(file)).authSafe.content as asn1js.OctetString).getValue());

/** A PKCS#12 file without password over any octets, its MAC right: what stands behind the MAC is read. */
export async function backupAround(content: Uint8Array): Promise<Uint8Array> {
  const [octets, salt] = [Uint8Array.from(content).buffer, new Uint8Array(8).buffer];
  const stamped = { password: new ArrayBuffer(0), hashAlgorithm: 'SHA-256', salt, iterationCount: 1 };
  const mac = await pkijs.getCrypto(true).stampDataWithPassword({ ...stamped, contentToStamp: octets });
  const pfx = new pkijs.PFX({
    authSafe: new pkijs.ContentInfo({ contentType: data, content: new asn1js.OctetString({ valueHex: octets }) }),
    macData: new pkijs.MacData({
      mac: new pkijs.DigestInfo({
        digestAlgorithm: new pkijs.AlgorithmIdentifier({ algorithmId: sha256 }),
        digest: new asn1js.OctetString({ valueHex: mac }),
      }),
      macSalt: new asn1js.OctetString({ valueHex: salt }),
      iterations: 1,
    }),
  });
  return new Uint8Array(pfx.toSchema().toBER());
}
