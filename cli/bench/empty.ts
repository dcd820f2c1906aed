/** The smallest Pulumi program: what the engine and its language host cost by themselves. */
export default (): object => ({});
