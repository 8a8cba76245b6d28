// jmake.toml: [discovery]
// jmake.toml: exclude = ["extern", "testbed"]
// include: include
// prints: 1.0
// A box falls onto the ground and stays there.
#include <box2d/box2d.h>

#include <cstdio>

int main() {
    b2World world(b2Vec2(0, -10));
    b2BodyDef ground;
    ground.position.Set(0, -10);
    b2PolygonShape wide, box;
    wide.SetAsBox(50, 10);
    world.CreateBody(&ground)->CreateFixture(&wide, 0);

    b2BodyDef falling;
    falling.type = b2_dynamicBody;
    falling.position.Set(0, 4);
    box.SetAsBox(1, 1);
    b2Body *body = world.CreateBody(&falling);
    body->CreateFixture(&box, 1);
    for (int i = 0; i < 120; i++) world.Step(1.0f / 60, 6, 2);
    std::printf("%.1f", body->GetPosition().y);
}
