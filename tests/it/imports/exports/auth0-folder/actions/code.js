exports.onExecute = async () => {};
