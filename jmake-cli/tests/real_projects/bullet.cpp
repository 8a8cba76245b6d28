// folder: src
// jmake.toml: [discovery]
// jmake.toml: exclude = ["Bullet3*", "BulletInverseDynamics", "clew"]
// prints: 44.9
// That folder needs OpenCL's headers, which Debian has taken out of the source.
// A ball falls for one second.
#include <btBulletDynamicsCommon.h>

#include <cstdio>

int main() {
    btDefaultCollisionConfiguration configuration;
    btCollisionDispatcher dispatcher(&configuration);
    btDbvtBroadphase broadphase;
    btSequentialImpulseConstraintSolver solver;
    btDiscreteDynamicsWorld world(&dispatcher, &broadphase, &solver, &configuration);
    world.setGravity(btVector3(0, -10, 0));

    btSphereShape sphere(1);
    btDefaultMotionState start(btTransform(btQuaternion(0, 0, 0, 1), btVector3(0, 50, 0)));
    btRigidBody ball(btRigidBody::btRigidBodyConstructionInfo(1, &start, &sphere));
    world.addRigidBody(&ball);
    for (int i = 0; i < 60; i++) world.stepSimulation(btScalar(1) / 60, 1, btScalar(1) / 60);
    std::printf("%.1f", ball.getWorldTransform().getOrigin().getY());
    world.removeRigidBody(&ball);
}
